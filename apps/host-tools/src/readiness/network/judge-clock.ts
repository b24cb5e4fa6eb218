import type { Finding } from '../../checks/check.ts';

/** Certificates and tokens are refused when clocks differ by more. */
const mostSeconds = 60;

/**
 * Judges the clock by those of the other ends, in seconds that this one is ahead of each. The one in the middle counts, so that one wrong
 * clock elsewhere says nothing about this one.
 */
export function judgeClock(secondsAhead: readonly number[]): Finding {
  const ordered = secondsAhead.toSorted((one, other) => one - other);
  const middle = ordered[Math.floor(ordered.length / 2)];
  if (middle === undefined) {
    return {
      result: 'unknown',
      found: { en: 'nothing that answers tells the time', ja: '時刻を返す接続先がありません' },
    };
  }
  const seconds = Math.abs(middle);
  const count = ordered.length;
  if (seconds <= mostSeconds) {
    return {
      result: 'ok',
      found: {
        en: `agrees with ${count} other clocks within ${seconds} s`,
        ja: `${count} 台の接続先の時計との差は ${seconds} 秒です`,
      },
    };
  }
  return {
    result: 'failed',
    found: {
      en: `the clock of this server is ${seconds} s ${middle > 0 ? 'ahead' : 'behind'}, by the clocks of ${count} others`,
      ja: `このサーバーの時計は ${seconds} 秒${middle > 0 ? '進んで' : '遅れて'}います (比較した接続先 ${count} 台)`,
    },
    remedy: { commands: ['sudo timedatectl set-ntp true'] },
  };
}
