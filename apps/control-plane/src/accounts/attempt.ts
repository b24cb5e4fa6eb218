import { type Actor, recordAudit } from '../audit/record.ts';
import type { Context } from '../context.ts';
import { admitAttempt, type Reservation, releaseAttempt } from './throttle.ts';

/** Where an attempt comes from. */
export interface From {
  readonly address: string;
  readonly requestId: string;
}

/** What came of a proof: right, or why not, or no room to check it now. */
export type Proof = 'right' | 'busy' | { refusal: string };

export type AttemptResult =
  | { kind: 'accepted' }
  | { kind: 'refused' }
  /** Seconds. */
  | { kind: 'throttled'; retryAfter: number }
  | { kind: 'busy' };

/** Longest name that an audit entry keeps. */
const longestShownName = 100;

/**
 * Lets somebody prove who they are: the attempt is counted first, then `prove` runs, and a right proof takes the count
 * back. Failures become audit entries. Attempts that are turned away become one entry and then a number in the next one,
 * so that a flood does not fill the disk. `countsAgainst: 'address'` is for proofs that name no local account.
 */
export async function attempt(
  context: Context,
  userName: string,
  from: From,
  prove: () => Promise<Proof>,
  { countsAgainst = 'account' }: { countsAgainst?: 'account' | 'address' } = {},
): Promise<AttemptResult> {
  const counted = countsAgainst === 'account' ? userName : undefined;
  const admission = await admitAttempt(context, counted, from.address);
  if (admission.kind === 'throttled') {
    const { retryAfter, isFirst } = admission;
    if (isFirst) await recordFailure(context, userName, from, 'too many failures; turned away unseen');
    return { kind: 'throttled', retryAfter };
  }
  const { reservation } = admission;
  const proof = await prove().catch(async (error: unknown) => {
    await releaseAttempt(context.database.tables, reservation);
    throw error;
  });
  if (proof === 'right' || proof === 'busy') {
    await releaseAttempt(context.database.tables, reservation);
    return { kind: proof === 'right' ? 'accepted' : 'busy' };
  }
  await recordFailure(context, userName, from, withRefused(proof.refusal, reservation));
  return { kind: 'refused' };
}

async function recordFailure(
  { database, now }: Context,
  userName: string,
  { address, requestId }: From,
  detail: string,
): Promise<void> {
  const actor: Actor = { kind: 'anonymous', name: shownName(userName), address, requestId };
  await recordAudit(database.tables, { actor, action: 'signIn', outcome: 'failure', detail }, now());
}

/** A name that somebody typed, made harmless for a list: short, and without control characters. */
export function shownName(userName: string): string {
  const plain = userName
    .slice(0, 10 * longestShownName)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')
    .toWellFormed();
  return [...plain].slice(0, longestShownName).join('');
}

function withRefused(detail: string, { refused }: Reservation): string {
  return refused === 0 ? detail : `${detail}; before it ${refused} attempts were turned away unseen`;
}
