import type { X509Certificate } from 'node:crypto';
import { isPublic } from './public-roots.ts';
import { nameOf } from './subject.ts';
import type { Violation } from './violation.ts';

/** iOS refuses certificates of private authorities that are valid for longer. */
export const longestPrivateValidityDays = 730;
/** iOS and the CA/Browser Forum limit for public authorities. */
export const longestPublicValidityDays = 398;
/** When the original product begins to warn. */
export const renewalWarningDays = 30;

const dayMilliseconds = 86_400_000;

/** Whether every certificate of the chain is good now, and for a while. */
export function checkDates(chain: readonly X509Certificate[], now: Date): Violation[] {
  return chain.flatMap((certificate) => {
    const violation = checkDatesOf(certificate, now);
    return violation === undefined ? [] : [violation];
  });
}

function checkDatesOf(certificate: X509Certificate, now: Date): Violation | undefined {
  const { validFromDate, validToDate } = certificate;
  const name = nameOf(certificate);
  const from = validFromDate.toISOString();
  const to = validToDate.toISOString();
  if (now < validFromDate) {
    return {
      rule: 'dates',
      severity: 'error',
      text: { en: `${name} is not valid before ${from}`, ja: `${name} は ${from} まで有効になりません` },
      remedy: { en: 'check the clock', ja: 'サーバーの時計を確認してください' },
    };
  }
  const remedy = { en: 'renew it', ja: '証明書を更新してください' };
  if (now > validToDate) {
    return {
      rule: 'dates',
      severity: 'error',
      text: { en: `${name} expired on ${to}`, ja: `${name} は ${to} に期限切れになりました` },
      remedy,
    };
  }
  const daysLeft = Math.floor((validToDate.getTime() - now.getTime()) / dayMilliseconds);
  if (daysLeft >= renewalWarningDays) return undefined;
  return {
    rule: 'dates',
    severity: 'warning',
    text: {
      en: `${name} expires in ${daysLeft} days, on ${to}`,
      ja: `${name} は残り ${daysLeft} 日 (${to}) で期限切れになります`,
    },
    remedy,
  };
}

/** Whether devices accept how long the certificate of the server is valid as a whole. */
export function checkValidity(chain: readonly X509Certificate[]): Violation[] {
  const [leaf] = chain;
  if (leaf === undefined) return [];
  const days = Math.round((leaf.validToDate.getTime() - leaf.validFromDate.getTime()) / dayMilliseconds);
  const fromPublic = isPublic(chain);
  const limit = fromPublic ? longestPublicValidityDays : longestPrivateValidityDays;
  if (days <= limit) return [];
  return [
    {
      rule: 'validity',
      // More than two years is beyond what the prerequisites of the product allow.
      severity: days > longestPrivateValidityDays ? 'error' : 'warning',
      text: {
        en: `valid for ${days} days; iOS accepts at most ${limit} from a ${fromPublic ? 'public' : 'private'} authority`,
        ja: `有効期間が ${days} 日です (iOS が受け入れるのは、${fromPublic ? 'パブリック' : 'プライベート'}な認証局では最長 ${limit} 日です)`,
      },
      remedy: {
        en: `get one that is valid for ${limit} days at most`,
        ja: `有効期間が ${limit} 日以内の証明書を取得してください`,
      },
    },
  ];
}
