import type { AgentSettings } from '@culvert/contracts';
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

/** Ends the verbose time of a collection. False when somebody else has: of many at once exactly one gets true, and orders the logs. */
export async function endVerbose(tables: Kysely<Tables>, { id }: Pick<StoredRow, 'id'>): Promise<boolean> {
  const { numUpdatedRows } = await tables
    .updateTable('server_log_collections')
    .set({ state: 'ordered' })
    .where('id', '=', id)
    .where('state', '=', 'verbose')
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** What the settings of an agent say of verbose logs: nothing once their time is over. */
export function verboseSettings(until: string | null, now: Date): Pick<AgentSettings, 'verboseLogsUntil'> {
  return until !== null && until > now.toISOString() ? { verboseLogsUntil: until } : {};
}
