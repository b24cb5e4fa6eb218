import type { X509Certificate } from 'node:crypto';
import type { Measurement } from './probe.ts';

const dayMilliseconds = 86_400_000;
/** When the original product begins to warn. */
const warningDays = 30;

/** Whole days until a certificate expires, negative afterwards; says when and what to do once it matters. */
export function daysLeft({ validToDate }: X509Certificate, now: Date, remedy: string): Measurement {
  const value = Math.floor((validToDate.getTime() - now.getTime()) / dayMilliseconds);
  if (value > warningDays) return { value };
  const verb = validToDate < now ? 'expired' : 'expires';
  return { value, reason: `it ${verb} on ${validToDate.toISOString()}; ${remedy}` };
}
