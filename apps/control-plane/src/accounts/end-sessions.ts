import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';

/**
 * Ends the sessions of an account, in the transaction of the change that asks for it. Access tokens are looked up together
 * with their account on every request, so a disabled or deleted account is out in any case.
 */
export async function endSessions(_tables: Kysely<Tables>, _accountId: string): Promise<void> {
  // TODO(openid): await endSessionsOf(tables, accountId) of openid/sessions.ts.
}
