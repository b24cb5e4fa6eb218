import type { Kysely } from 'kysely';
import type { Context } from '../context.ts';
import type { Tables } from '../database/tables.ts';
import { keptSince } from './resolutions.ts';
import { closedBefore, deleteFiner } from './roll-up.ts';

/** Averages of one transaction. */
const batch = 200;

type Place = Pick<Context, 'database' | 'now'>;

/**
 * Lets go of the minutes that are older than a day and in their average. An average to which samples have just come is left
 * alone until it was made anew. Resolves to whether more may be due.
 */
export async function closeOldAverages({ database, now }: Place): Promise<boolean> {
  return database.tables.transaction().execute(async (tables) => {
    const open = await tables
      .selectFrom('server_health_samples as average')
      .select(['average.server_id', 'average.at'])
      .where('is_closed', '=', 0)
      .where('average.at', '<', closedBefore(now()))
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('server_health_rollups as due')
              .select('due.at')
              .whereRef('due.server_id', '=', 'average.server_id')
              .where('due.resolution', '=', 'fiveMinutes')
              .whereRef('due.at', '=', 'average.at'),
          ),
        ),
      )
      .orderBy('average.at')
      .limit(batch)
      .execute();
    for (const { server_id, at } of open) {
      await deleteFiner(tables, { server_id, resolution: 'fiveMinutes', at });
      await tables
        .updateTable('server_health_samples')
        .set({ is_closed: 1 })
        .where('server_id', '=', server_id)
        .where('resolution', '=', 'fiveMinutes')
        .where('at', '=', at)
        .execute();
    }
    return open.length === batch;
  });
}

/** Removes averages that are older than they are kept, server after server, each by its key. */
export async function removeOldAverages({ database, now }: Place, signal: AbortSignal): Promise<boolean> {
  const { tables } = database;
  let after = '';
  while (!signal.aborted) {
    const ids = await serversAfter(tables, after);
    for (const id of ids) {
      for (const resolution of ['fiveMinutes', 'hour'] as const) {
        await tables
          .deleteFrom('server_health_samples')
          .where('server_id', '=', id)
          .where('resolution', '=', resolution)
          .where('at', '<', keptSince(resolution, now()).toISOString())
          .execute();
      }
    }
    const last = ids.at(-1);
    if (last === undefined) return false;
    after = last;
  }
  return true;
}

async function serversAfter(tables: Kysely<Tables>, after: string): Promise<string[]> {
  const rows = await tables
    .selectFrom('servers')
    .select('id')
    .where('id', '>', after)
    .orderBy('id')
    .limit(batch)
    .execute();
  return rows.map(({ id }) => id);
}
