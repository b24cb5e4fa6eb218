import type { ConfigurationReport } from '@culvert/contracts';
import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import type { Tables } from '../database/tables.ts';

/** Revisions that are kept for each server. */
const mostRevisions = 20;

/** Writes down that a revision was offered. An offer that was not answered yet stays as it is. */
export async function noteOffer(
  tables: Kysely<Tables>,
  serverId: string,
  revision: string,
  now: Date,
): Promise<void> {
  const offered = { status: 'offered', reason: null, offered_at: now.toISOString() } as const;
  const { numInsertedOrUpdatedRows } = await tables
    .insertInto('configuration_reports')
    .values({ server_id: serverId, revision, reported_at: null, ...offered })
    .onConflict((conflict) =>
      conflict
        .columns(['server_id', 'revision'])
        .doUpdateSet(offered)
        .where('configuration_reports.status', '!=', 'offered'),
    )
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows === 1n) await forgetOld(tables, serverId);
}

/** Writes down what became of a revision. A report that was written down already is no news: agents repeat their last one. */
export async function noteReport(
  tables: Kysely<Tables>,
  serverId: string,
  { revision, status, reason, at }: ConfigurationReport,
  now: Date,
): Promise<void> {
  const reportedAt = new Date(at).toISOString();
  // The clock of a server must not put a revision before those that are offered later.
  const offeredAt = new Date(Math.min(Date.parse(at), now.getTime())).toISOString();
  const reported = { status, reason: reason ?? null, reported_at: reportedAt };
  const { numInsertedOrUpdatedRows } = await tables
    .insertInto('configuration_reports')
    .values({ server_id: serverId, revision, offered_at: offeredAt, ...reported })
    .onConflict((conflict) =>
      conflict
        .columns(['server_id', 'revision'])
        .doUpdateSet(reported)
        .where(({ eb, or }) =>
          or([
            eb('configuration_reports.reported_at', 'is', null),
            // An offer of the same revision again waits for a report of its own.
            eb('configuration_reports.reported_at', '!=', sql<string>`excluded.reported_at`),
          ]),
        ),
    )
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows === 1n) await forgetOld(tables, serverId);
}

/**
 * Makes the revision that the site wants the newest one, where the site has wanted another one in between: what became of that
 * one says nothing about the server any more.
 */
export async function noteWanted(
  tables: Kysely<Tables>,
  serverId: string,
  revision: string,
  now: Date,
): Promise<void> {
  await tables
    .updateTable('configuration_reports')
    .set({ offered_at: now.toISOString() })
    .where('server_id', '=', serverId)
    .where('revision', '=', revision)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('configuration_reports as other')
          .select('other.revision')
          .where('other.server_id', '=', serverId)
          .where('other.revision', '!=', revision)
          .whereRef('other.offered_at', '>=', 'configuration_reports.offered_at'),
      ),
    )
    .execute();
}

async function forgetOld(tables: Kysely<Tables>, serverId: string): Promise<void> {
  await tables
    .deleteFrom('configuration_reports')
    .where('server_id', '=', serverId)
    .where('revision', 'not in', (query) =>
      query
        .selectFrom('configuration_reports as newest')
        .select('newest.revision')
        .where('newest.server_id', '=', serverId)
        .orderBy('newest.offered_at', 'desc')
        .orderBy('newest.revision')
        .limit(mostRevisions),
    )
    .execute();
}
