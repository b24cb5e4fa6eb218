import { valueText } from './evaluate.ts';
import { metricRules } from './metric-rules.ts';
import type { Cause, OverallStatus } from './overall.ts';

/** Languages of messages. */
export const languages = ['en', 'ja'] as const;
export type Language = (typeof languages)[number];

/** A status as people say it. */
export const statusNames: Readonly<Record<OverallStatus, Readonly<Record<Language, string>>>> = {
  unknown: { en: 'not known', ja: '不明' },
  healthy: { en: 'healthy', ja: '正常' },
  unhealthy: { en: 'unhealthy', ja: '異常' },
  warning: { en: 'has a warning', ja: '警告あり' },
  offline: { en: 'offline', ja: 'オフライン' },
  upgradeInProgress: { en: 'being upgraded', ja: 'アップグレード中' },
  upgradeFailed: { en: 'upgrade failed', ja: 'アップグレード失敗' },
};

/** Why a server has its status, in one sentence. */
export function causeText(status: OverallStatus, causes: readonly Cause[], language: Language): string {
  const [first] = causes;
  const detail = first?.detail;
  if (first?.metric === undefined) return plainCauses[status][language](detail);
  return causes
    .map(({ metric, value }) => {
      if (metric === undefined) return '';
      const title = metricRules[metric].title[language];
      return value === undefined ? title : `${title}: ${valueText(metric, value, language)}`;
    })
    .join('; ');
}

type Sentence = (detail: string | undefined) => string;
const behind = (detail: string | undefined) => (detail === undefined ? '' : `: ${detail}`);

const plainCauses: Readonly<Record<OverallStatus, Readonly<Record<Language, Sentence>>>> = {
  unknown: { en: () => 'it has never checked in', ja: () => '一度もチェックインしていません' },
  healthy: { en: () => 'all metrics that count are healthy', ja: () => '対象のメトリックはすべて正常です' },
  unhealthy: { en: () => 'a metric is unhealthy', ja: () => '異常なメトリックがあります' },
  warning: { en: () => 'a metric has a warning', ja: () => '警告のあるメトリックがあります' },
  offline: {
    en: (detail) => `it has not checked in since ${detail}; users may still be connected`,
    ja: (detail) => `${detail} からチェックインがありません。利用者の接続は続いていることがあります`,
  },
  upgradeInProgress: { en: () => 'it is being upgraded', ja: () => 'アップグレードしています' },
  upgradeFailed: {
    en: (detail) => `its upgrade failed and it is back at the version before${behind(detail)}`,
    ja: (detail) => `アップグレードに失敗し、前のバージョンに戻りました${behind(detail)}`,
  },
};
