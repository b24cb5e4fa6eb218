import type { Kysely } from 'kysely';
import { recordAudit } from '../audit/record.ts';
import type { Context } from '../context.ts';
import type { Tables } from '../database/tables.ts';
import type { StoredRow } from '../graph/tables.ts';
import { orderLogs } from './order.ts';
import { type CommandState, endCollection, nextStep, patienceEnds } from './states.ts';

/** Collections of one transaction. */
const batch = 200;
const actor = { kind: 'system', name: 'log collections' } as const;

/**
 * Orders the logs of servers whose verbose time is over, and ends collections that will never be whole. Resolves to whether more
 * may be left. It is harmless when two replicas do it: the second finds nothing to do.
 */
export async function settleCollections({
  database,
  now,
}: Pick<Context, 'database' | 'now'>): Promise<boolean> {
  const at = now();
  return database.tables.transaction().execute(async (tables) => {
    const open = await tables
      .selectFrom('server_log_collections')
      .selectAll()
      .where(({ and, or, eb, selectFrom }) =>
        or([
          and([eb('state', '=', 'verbose'), eb('verbose_until', '<=', at.toISOString())]),
          and([
            eb('state', 'in', ['ordered', 'uploading']),
            or([
              eb('changed_at', '<=', patienceEnds(at)),
              eb(
                'command_id',
                'in',
                selectFrom('server_commands').select('id').where('state', 'in', ['failed', 'expired']),
              ),
            ]),
          ]),
        ]),
      )
      .orderBy('changed_at')
      .limit(batch)
      .$castTo<StoredRow>()
      .execute();
    for (const collection of open) await settle(tables, collection, at);
    return open.length === batch;
  });
}

async function settle(tables: Kysely<Tables>, collection: StoredRow, at: Date): Promise<void> {
  const step = nextStep(collection, await commandOf(tables, collection), at);
  if (step.kind === 'order') {
    await orderLogs(
      tables,
      { ...collection, end_date_time: String(collection.verbose_until) },
      actor.name,
      at,
    );
  }
  if (step.kind === 'fail') {
    await endCollection(tables, collection.id, { state: 'failed', reason: step.reason }, at);
    await recordAudit(
      tables,
      {
        actor,
        action: 'logCollections.fail',
        outcome: 'failure',
        detail: `${collection.id}: ${step.reason}`,
      },
      at,
    );
  }
}

async function commandOf(tables: Kysely<Tables>, collection: StoredRow): Promise<CommandState | undefined> {
  if (typeof collection.command_id !== 'string') return undefined;
  return tables
    .selectFrom('server_commands')
    .select(['state', 'detail'])
    .where('id', '=', collection.command_id)
    .executeTakeFirst();
}
