import type { Kysely } from 'kysely';
import type { Context } from '../context.ts';
import { newId } from '../database/identifier.ts';
import type { Tables } from '../database/tables.ts';
import type { Cause, OverallStatus } from '../health-status/overall.ts';
import { netChanges, type ServerChange } from './message.ts';

/** Changes of one message. */
const batch = 5_000;
/**
 * Milliseconds for which a change waits for others: what goes back at once is not told, and an outage of many servers is one
 * message.
 */
const settling = 30_000;

/** Makes messages of changes that have settled, one for each channel. Resolves to whether more may be due. */
export async function collectChanges({ database, now }: Pick<Context, 'database' | 'now'>): Promise<boolean> {
  return database.tables.transaction().execute(async (tables) => {
    const at = now();
    const rows = await readChanges(tables);
    const [oldest] = rows;
    if (oldest === undefined || Date.parse(oldest.at) > at.getTime() - settling) return false;
    const changes = netChanges(rows.map(changeOf));
    const channels = await tables
      .selectFrom('notification_channels')
      .select(['id', 'statuses'])
      .where('is_enabled', '=', 1)
      .execute();
    for (const { id, statuses } of channels) {
      const wanted = new Set(JSON.parse(statuses) as OverallStatus[]);
      const told = changes.filter(({ to }) => wanted.has(to));
      if (told.length === 0) continue;
      await tables
        .insertInto('notification_deliveries')
        .values({
          id: newId(at),
          channel_id: id,
          created_at: at.toISOString(),
          message: JSON.stringify({ changes: told }),
          failures: 0,
          next_attempt_at: at.toISOString(),
        })
        .execute();
    }
    // These and no others: a change of another replica may have come in between.
    await tables
      .deleteFrom('server_health_changes')
      .where(
        'id',
        'in',
        rows.map(({ id }) => id),
      )
      .execute();
    return rows.length === batch;
  });
}

type ChangeRow = Awaited<ReturnType<typeof readChanges>>[number];

function readChanges(tables: Kysely<Tables>) {
  return tables
    .selectFrom('server_health_changes as change')
    .innerJoin('servers', 'servers.id', 'change.server_id')
    .innerJoin('sites', 'sites.id', 'servers.site_id')
    .select(['change.id', 'change.server_id', 'change.at'])
    .select(['change.from_status', 'change.to_status', 'change.causes'])
    .select(['servers.display_name as server_name', 'servers.site_id', 'sites.display_name as site_name'])
    .orderBy('change.at')
    .orderBy('change.id')
    .limit(batch)
    .execute();
}

function changeOf(row: ChangeRow): ServerChange {
  return {
    serverId: row.server_id,
    serverName: String(row.server_name),
    siteId: String(row.site_id),
    siteName: String(row.site_name),
    from: row.from_status,
    to: row.to_status,
    causes: JSON.parse(row.causes) as Cause[],
    at: row.at,
  };
}
