import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';

/** Milliseconds for which a token that has ended is still listed; the audit log tells of it as long as of everything. */
const kept = 90 * 86_400_000;
/** Rows of one statement, so that none holds the database for long. */
const batch = 500;

/** Deletes some of the join tokens that ended long ago; true when there may be more. Safe to run on several replicas at once. */
export async function purgeEndedJoinTokens(tables: Kysely<Tables>, now: Date): Promise<boolean> {
  const before = new Date(now.getTime() - kept).toISOString();
  const { numDeletedRows } = await tables
    .deleteFrom('join_tokens')
    .where('id', 'in', (query) =>
      query.selectFrom('join_tokens').select('id').where('expires_at', '<', before).limit(batch),
    )
    .executeTakeFirst();
  return numDeletedRows >= batch;
}
