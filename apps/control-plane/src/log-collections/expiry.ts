import { recordAudit } from '../audit/record.ts';
import type { Context } from '../context.ts';

/** Collections of one transaction. */
const batch = 200;

/** Removes log collections that have ended, with their archives. Resolves to whether more may be left. */
export async function removeEndedLogCollections({
  database,
  now,
}: Pick<Context, 'database' | 'now'>): Promise<boolean> {
  const at = now();
  const removed = await database.tables.transaction().execute(async (tables) => {
    const ended = tables
      .selectFrom('server_log_collections')
      .select('id')
      .where('expiry_date_time', '<=', at.toISOString())
      .limit(batch);
    const rows = await tables
      .deleteFrom('server_log_collections')
      .where('id', 'in', ended)
      .returning('id')
      .execute();
    if (rows.length > 0) {
      const detail = `${rows.length} log collections have ended`;
      const actor = { kind: 'system', name: 'log retention' } as const;
      await recordAudit(tables, { actor, action: 'logCollections.expire', outcome: 'success', detail }, at);
    }
    return rows;
  });
  return removed.length === batch;
}
