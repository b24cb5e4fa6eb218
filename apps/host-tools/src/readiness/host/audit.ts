import type { Check, Finding } from '../../checks/check.ts';
import { auditRulesFile, hasRules, loadableRules, watchedFolders } from './audit-rules.ts';
import { distributionOf, installCommand } from './distribution.ts';
import type { HostFile, HostView } from './host-view.ts';
import type { Distribution } from './parse/os-release.ts';
import { type ServiceState, serviceStateOf } from './services.ts';

/** What is known of auditing on a host. */
export type AuditState = Readonly<{
  isInstalled: boolean;
  service: ServiceState;
  rules: HostFile;
  /** The rules of this product that the host can load. */
  wantedRules: string;
}>;

export async function auditStateOf(view: HostView): Promise<AuditState> {
  const [configuration, program, service, rules, folders] = await Promise.all([
    view.exists('/etc/audit/auditd.conf'),
    Promise.all(['/usr/sbin/auditd', '/sbin/auditd'].map((path) => view.exists(path))),
    serviceStateOf(view, 'auditd'),
    view.read(auditRulesFile),
    Promise.all(watchedFolders.map(async (folder) => ((await view.exists(folder)) ? [folder] : []))),
  ]);
  // Without root nothing in /etc/audit is visible.
  const isInstalled = configuration || program.includes(true);
  return { isInstalled, service, rules, wantedRules: loadableRules(new Set(folders.flat())) };
}

export function judgeAudit(
  { isInstalled, service, rules, wantedRules }: AuditState,
  distribution: Distribution,
): Finding {
  if (!isInstalled) {
    return {
      result: 'warning',
      found: { en: 'auditd is not installed', ja: 'auditd がインストールされていません' },
      remedy: {
        commands: [installCommand(distribution, 'audit audispd-plugins', 'auditd audispd-plugins')],
      },
    };
  }
  if (!service.isEnabled && service.isActive !== true) {
    return {
      result: 'warning',
      found: {
        en: 'auditd is installed and does not start at boot',
        ja: 'auditd はインストールされていますが、起動時に開始されません',
      },
      remedy: { commands: ['sudo systemctl enable --now auditd'] },
    };
  }
  if (rules.missing === 'denied') {
    return {
      result: 'unknown',
      found: {
        en: 'auditd is set up; only root may read its rules',
        ja: 'auditd は構成済みです。規則の確認には root 権限が必要です',
      },
    };
  }
  if (rules.missing === 'absent') {
    return {
      result: 'warning',
      found: {
        en: 'auditd is set up, without rules for the files of this product',
        ja: 'auditd は構成済みですが、本製品のファイルに対する規則がありません',
      },
      remedy: { commands: ['sudo mst-readiness utils --fix'] },
    };
  }
  if (rules.text !== undefined && !hasRules(rules.text, wantedRules)) {
    return {
      result: 'warning',
      found: {
        en: `auditd is set up, but ${auditRulesFile} lacks rules for files that this host has`,
        ja: `auditd は構成済みですが、${auditRulesFile} にはこのサーバーのファイルに対する規則が不足しています`,
      },
      remedy: { commands: ['sudo mst-readiness utils --fix'] },
    };
  }
  return {
    result: 'ok',
    found: {
      en: `auditd is set up, with the rules of ${auditRulesFile}`,
      ja: `auditd は構成済みで、${auditRulesFile} の規則があります`,
    },
  };
}

export function auditCheck(view: HostView): Check {
  return {
    id: 'utils.auditd',
    title: { en: 'Linux auditing', ja: 'Linux システム監査' },
    why: {
      en: 'Recommended, not required: it records who changes keys, settings and programs of the gateway.',
      ja: '必須ではありませんが推奨されます。ゲートウェイの鍵、設定、プログラムを誰が変更したかを記録します。',
    },
    run: async () => judgeAudit(await auditStateOf(view), await distributionOf(view)),
  };
}
