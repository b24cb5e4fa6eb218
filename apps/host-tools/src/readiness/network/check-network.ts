import type { Check, CheckReport, Finding } from '../../checks/check.ts';
import { runChecks } from '../../checks/run-checks.ts';
import type { Trial } from './attempt.ts';
import { explainSettings, type ProxySettings, proxyForTarget } from './host-proxy.ts';
import { judgeClock } from './judge-clock.ts';
import { judgeTarget } from './judge-target.ts';
import type { Target } from './target.ts';
import { tryTarget } from './try-target.ts';

/** Tries every target at the same time and judges the clock by what answered. */
export async function checkTargets(
  targets: readonly Target[],
  settings: ProxySettings,
): Promise<CheckReport[]> {
  const secondsAhead: number[] = [];
  const checks = targets.map(
    (target): Check => ({
      id: `network.${target.id}`,
      title: target.title,
      why: target.why,
      run: async () => {
        const trial = await tryTarget(target, proxyForTarget(settings, target));
        secondsAhead.push(...clocksOf(trial));
        return judgeTarget(target, trial);
      },
    }),
  );
  const reports = await runChecks([proxyCheck(settings), ...checks]);
  const [clock] = await runChecks([clockCheck(secondsAhead)]);
  return clock === undefined ? reports : [...reports, clock];
}

/** Plain HTTP may come from a cache, with the time at which it was stored. */
function clocksOf(trial: Trial): number[] {
  if (trial.kind === 'unresolved') return [];
  return trial.attempts.flatMap(({ outcome }) => {
    if (outcome.kind === 'failed' || outcome.answer.tlsVersion === undefined) return [];
    const { secondsAhead } = outcome.answer;
    return secondsAhead === undefined ? [] : [secondsAhead];
  });
}

function proxyCheck(settings: ProxySettings): Check {
  return {
    id: 'network.proxy',
    title: { en: 'Outbound proxy', ja: '送信プロキシ' },
    why: {
      en: 'Where there is a proxy, everything of the product goes through it, except what NO_PROXY names.',
      ja: 'プロキシがある場合、NO_PROXY で除外したものを除くすべての通信がプロキシを経由します。',
    },
    run: async () => judgeProxySettings(settings),
  };
}

function judgeProxySettings(settings: ProxySettings): Finding {
  const { place, variables } = settings;
  if (place === undefined) {
    return { result: 'ok', found: { en: 'none is set', ja: '設定されていません' } };
  }
  const problem = explainSettings(settings);
  if (problem !== undefined) {
    return {
      result: 'failed',
      found: { en: `${place}: ${problem}`, ja: `${place}: ${problem}` },
      remedy: { commands: ['sudo mst-cli proxy set http://PROXY:PORT'] },
    };
  }
  const address =
    variables.https_proxy || variables.HTTPS_PROXY || variables.http_proxy || variables.HTTP_PROXY;
  const exceptions = variables.no_proxy ?? variables.NO_PROXY ?? '';
  const except = exceptions === '' ? '' : ` (NO_PROXY ${exceptions})`;
  return {
    result: 'ok',
    found: { en: `${address} from ${place}${except}`, ja: `${address} (設定元 ${place})${except}` },
  };
}

function clockCheck(secondsAhead: readonly number[]): Check {
  return {
    id: 'network.clock',
    title: { en: 'Clock', ja: '時計' },
    why: {
      en: 'With a clock more than a minute off, certificates and sign-ins are refused.',
      ja: '時計が 1 分以上ずれていると、証明書の検証やサインインが拒否されます。',
    },
    run: async () => judgeClock(secondsAhead),
  };
}
