import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import type { StoredRow } from '../graph/tables.ts';

/** Hours before a request for verbose logs that its archive tells about too. */
export const hoursBefore = 24;

/** The collection for which the logs of a server are verbose. */
export function verboseCollection(tables: Kysely<Tables>, serverId: string): Promise<StoredRow | undefined> {
  return tables
    .selectFrom('server_log_collections')
    .selectAll()
    .where('server_id', '=', serverId)
    .where('state', '=', 'verbose')
    .$castTo<StoredRow>()
    .executeTakeFirst();
}

/** Until when the logs of a server are to be verbose, for `AgentSettings`; undefined when they are as usual. */
export async function verboseLogsUntil(
  tables: Kysely<Tables>,
  serverId: string,
  now: Date,
): Promise<string | undefined> {
  const collection = await verboseCollection(tables, serverId);
  if (collection === undefined) return undefined;
  const until = String(collection.verbose_until);
  return until > now.toISOString() ? until : undefined;
}
