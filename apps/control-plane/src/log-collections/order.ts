import { type Ordering, orderCommand } from '../commands/order.ts';
import type { StoredRow } from '../graph/tables.ts';

/** Tells the server of a collection to send its logs. Throws an ApiError when it has too many commands already. */
export async function orderLogs(ordering: Ordering, collection: StoredRow): Promise<void> {
  const end = String(collection.end_date_time);
  const command = await orderCommand(ordering, String(collection.server_id), {
    kind: 'collectLogs',
    collection: collection.id,
    start: String(collection.start_date_time),
    end,
    ...(collection.include_access_log === 1 ? { includeAccessLog: true } : {}),
  });
  await ordering.tables
    .updateTable('server_log_collections')
    .set({
      state: 'ordered',
      command_id: command.id,
      end_date_time: end,
      verbose_until: collection.verbose_until ?? null,
      changed_at: ordering.context.now().toISOString(),
    })
    .where('id', '=', collection.id)
    .execute();
}
