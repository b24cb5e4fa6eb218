import type { CommandOrder } from '@culvert/contracts';
import type { Kysely } from 'kysely';
import { newId } from '../database/identifier.ts';
import type { Tables } from '../database/tables.ts';
import type { StoredRow } from '../graph/tables.ts';
import { patienceHours } from './states.ts';

/** Tells the server of a collection to send its logs. */
export async function orderLogs(
  tables: Kysely<Tables>,
  collection: StoredRow,
  by: string,
  now: Date,
): Promise<void> {
  const order: CommandOrder = {
    kind: 'collectLogs',
    collection: collection.id,
    start: String(collection.start_date_time),
    end: String(collection.end_date_time),
    ...(collection.include_access_log === 1 ? { includeAccessLog: true } : {}),
  };
  const id = newId(now);
  await tables
    .insertInto('server_commands')
    .values({
      id,
      server_id: String(collection.server_id),
      kind: order.kind,
      command_order: JSON.stringify(order),
      state: 'waiting',
      created_by: by,
      created_at: now.toISOString(),
      expires_at: new Date(now.getTime() + patienceHours * 3_600_000).toISOString(),
    })
    .execute();
  await tables
    .updateTable('server_log_collections')
    .set({
      state: 'ordered',
      command_id: id,
      end_date_time: order.end,
      verbose_until: collection.verbose_until ?? null,
      changed_at: now.toISOString(),
    })
    .where('id', '=', collection.id)
    .execute();
}
