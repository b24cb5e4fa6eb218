import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import { endSessionsOf } from '../openid/sign-in-sessions.ts';

/**
 * Ends the sessions of an account, in the transaction of the change that asks for it. Access tokens are looked up together
 * with their account on every request, so a disabled or deleted account is out in any case. The browser in which somebody
 * changes their own password stays signed in.
 */
export function endSessions(
  tables: Kysely<Tables>,
  accountId: string,
  now: Date,
  exceptSessionUid?: string,
): Promise<void> {
  return endSessionsOf(tables, accountId, now, exceptSessionUid);
}
