import type { X509Certificate } from 'node:crypto';

/** Milliseconds between two attempts. */
export const retryMilliseconds = 600_000;
/** Share of the life by which servers renew apart. */
const jitter = 0.02;

/**
 * When a certificate is to be renewed, in Unix milliseconds: at two thirds of its life, a little later at random. `random`
 * of [0, 1), drawn once for a certificate.
 */
export function renewalDue(
  { validFromDate, validToDate }: Pick<X509Certificate, 'validFromDate' | 'validToDate'>,
  random: number,
): number {
  const life = validToDate.getTime() - validFromDate.getTime();
  return validFromDate.getTime() + life * (2 / 3 + jitter * random);
}
