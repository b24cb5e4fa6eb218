import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';

/** Rows of one statement, so that none holds the database for long. */
const batch = 500;

/** Milliseconds for which an ended code is still known, so that a device is told that its code has ended. */
const grace = 10 * 60_000;

/** Deletes some of what has ended; true when there may be more. Safe to run on several replicas at once. */
export async function purgeExpiredArtifacts(tables: Kysely<Tables>, now: Date): Promise<boolean> {
  const before = new Date(now.getTime() - grace).toISOString();
  let isMore = false;
  for (const table of ['openid_artifacts', 'sign_in_sessions'] as const) {
    const { numDeletedRows } = await tables
      .deleteFrom(table)
      .where('id', 'in', (query) =>
        query.selectFrom(table).select('id').where('expires_at', '<', before).limit(batch),
      )
      .executeTakeFirst();
    isMore ||= numDeletedRows >= batch;
  }
  return isMore;
}
