import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';

/** Milliseconds for which a certificate that has ended is known, so that its agent hears that it expired or was revoked. */
const kept = 400 * 86_400_000;
/** Rows of one statement, so that none holds the database for long. */
const batch = 500;

/** Forgets some of the certificates that ended long ago; true when there may be more. Safe to run on several replicas at once. */
export async function purgeEndedCertificates(tables: Kysely<Tables>, now: Date): Promise<boolean> {
  const before = new Date(now.getTime() - kept).toISOString();
  const { numDeletedRows } = await tables
    .deleteFrom('agent_certificates')
    .where('fingerprint', 'in', (query) =>
      query
        .selectFrom('agent_certificates')
        .select('fingerprint')
        .where('not_after', '<', before)
        .limit(batch),
    )
    .executeTakeFirst();
  return numDeletedRows >= batch;
}
