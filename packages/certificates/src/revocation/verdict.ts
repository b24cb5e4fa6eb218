import type { X509Certificate } from 'node:crypto';

/** What one answer of an OCSP responder, or one CRL, says about one certificate. */
export type Verdict =
  | { status: 'good'; validUntil: Date }
  | { status: 'revoked'; at: Date; reason: RevocationReason | undefined; validUntil: Date }
  /** The answer cannot be believed, or says nothing; `detail` completes "it cannot be told: …". */
  | { status: 'untold'; detail: string };

/** A certificate and the one that issued it. */
export interface Pair {
  certificate: X509Certificate;
  issuer: X509Certificate;
}

/** CRLReason (RFC 5280 §5.3.1); 7 is not used. */
const reasons = {
  0: 'unspecified',
  1: 'keyCompromise',
  2: 'cACompromise',
  3: 'affiliationChanged',
  4: 'superseded',
  5: 'cessationOfOperation',
  6: 'certificateHold',
  8: 'removeFromCRL',
  9: 'privilegeWithdrawn',
  10: 'aACompromise',
} as const;
export type RevocationReason = (typeof reasons)[keyof typeof reasons];

/** Reads a CRLReason; undefined for a number that RFC 5280 does not know. */
export function revocationReason(number: number | undefined): RevocationReason | undefined {
  return number === undefined ? undefined : (reasons as Record<number, RevocationReason>)[number];
}

/** Clocks of authorities may be ahead of ours by this much. */
const clockSkewMilliseconds = 5 * 60_000;

/** Why an answer is not to be believed at `now` by its own times; undefined when it is. Dates that are none are refused. */
export function explainTimes(thisUpdate: Date, nextUpdate: Date | undefined, now: Date): string | undefined {
  if (Number.isNaN(thisUpdate.getTime()) || Number.isNaN(nextUpdate?.getTime()))
    return 'its times cannot be read';
  if (thisUpdate.getTime() > now.getTime() + clockSkewMilliseconds) {
    return `it is of the future, ${thisUpdate.toISOString()}; check the clock`;
  }
  if (nextUpdate !== undefined && nextUpdate < now) return `it expired on ${nextUpdate.toISOString()}`;
  return undefined;
}

export function untold(detail: string): Verdict {
  return { status: 'untold', detail };
}
