import type { Kysely } from 'kysely';
import { recordAudit } from '../audit/record.ts';
import type { Context } from '../context.ts';
import type { Tables } from '../database/tables.ts';
import type { StoredRow } from '../graph/tables.ts';
import { ApiError } from '../http/errors.ts';
import { orderLogs } from './order.ts';
import { type CommandState, endCollection, nextStep, patienceEnds } from './states.ts';
import { endVerbose } from './verbose.ts';

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
    for (const collection of open) await settle(tables, collection, now);
    return open.length === batch;
  });
}

async function settle(tables: Kysely<Tables>, collection: StoredRow, now: () => Date): Promise<void> {
  const step = nextStep(collection, await commandOf(tables, collection), now());
  if (step.kind === 'fail') await fail(tables, collection, step.reason, now());
  if (step.kind !== 'order') return;
  // Somebody may just have ended the verbose time, and ordered the logs with it.
  if (!(await endVerbose(tables, collection))) return;
  const ordering = { tables, context: { now }, caller: { actor } };
  try {
    await orderLogs(ordering, { ...collection, end_date_time: String(collection.verbose_until) });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    await fail(tables, collection, error.message, now());
  }
}

async function fail(tables: Kysely<Tables>, collection: StoredRow, reason: string, at: Date): Promise<void> {
  await endCollection(tables, collection.id, { state: 'failed', reason }, at);
  const detail = `${collection.id}: ${reason}`;
  await recordAudit(tables, { actor, action: 'logCollections.fail', outcome: 'failure', detail }, at);
}

async function commandOf(tables: Kysely<Tables>, collection: StoredRow): Promise<CommandState | undefined> {
  if (typeof collection.command_id !== 'string') return undefined;
  return tables
    .selectFrom('server_commands')
    .select(['state', 'detail'])
    .where('id', '=', collection.command_id)
    .executeTakeFirst();
}
