import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import type { Context } from '../context.ts';
import { newId } from '../database/identifier.ts';
import type { Database } from '../database/open.ts';
import type { Tables } from '../database/tables.ts';
import { lockServer } from '../servers/lock-server.ts';
import { type Assessment, assess, type ObservedServer } from './assess.ts';
import { statesOf } from './evaluate.ts';
import type { Overall } from './overall.ts';
import { readServers } from './read.ts';

/** Servers that are judged together. */
const batch = 200;

/**
 * Judges one server and keeps what was found; for the check-in, in its transaction, after the state of the server was written.
 */
export async function evaluateServer(
  tables: Kysely<Tables>,
  serverId: string,
  now: Date,
): Promise<Assessment | undefined> {
  const condition = sql<boolean>`servers.id = ${serverId}`;
  const [server] = await readServers(tables, { condition, most: 1 }, now);
  if (server === undefined) return undefined;
  const assessment = assess(server, now);
  if (isNews(server, assessment)) await keep(tables, server, assessment, now);
  return assessment;
}

/**
 * Judges every server, so that also those are told of that say nothing any more. Writes only where something has changed.
 * `tables` may be a transaction.
 */
export async function evaluateAllServers(
  { engine, tables }: Pick<Database, 'engine' | 'tables'>,
  now: Date,
  signal?: AbortSignal,
): Promise<void> {
  let after = '';
  while (signal?.aborted !== true) {
    const servers = await readServers(tables, { condition: sql`(1 = 1)`, after, most: batch }, now);
    const news = servers.filter((server) => isNews(server, assess(server, now)));
    const write = async (transaction: Kysely<Tables>) => {
      for (const { id } of news) {
        await lockServer({ engine, tables: transaction }, id);
        // It may have checked in since it was read.
        await evaluateServer(transaction, id, now);
      }
    };
    if (news.length > 0) {
      await (tables.isTransaction ? write(tables) : tables.transaction().execute(write));
    }
    const last = servers.at(-1);
    if (last === undefined || servers.length < batch) return;
    after = last.id;
  }
}

/** The task that judges every server again and again. */
export function healthEvaluation({ database, now }: Pick<Context, 'database' | 'now'>) {
  return async (signal: AbortSignal): Promise<boolean> => {
    await evaluateAllServers(database, now(), signal);
    return false;
  };
}

/** Whether something else is to be kept; values change always and are none. */
function isNews({ previous }: ObservedServer, { metrics, overall }: Assessment): boolean {
  if (previous === undefined) return true;
  const causesOf = ({ causes }: Overall) => causes.map(({ metric }) => metric ?? '').join();
  return (
    previous.overall.status !== overall.status ||
    causesOf(previous.overall) !== causesOf(overall) ||
    metrics.some(({ name, status }) => previous.metrics[name]?.status !== status)
  );
}

async function keep(
  tables: Kysely<Tables>,
  { id, previous }: ObservedServer,
  { metrics, overall }: Assessment,
  now: Date,
): Promise<void> {
  const columns = {
    status: overall.status,
    since: overall.since,
    causes: JSON.stringify(overall.causes),
    metric_states: JSON.stringify(statesOf(metrics)),
  };
  const from = previous?.overall.status ?? 'unknown';
  // In the order of a check-in, first the server and then its health: two that begin at different ends wait for each other.
  const isShown = from !== overall.status && (await showStatus(tables, id, overall));
  await tables
    .insertInto('server_health_states')
    .values({ server_id: id, acknowledged_upgrade: null, ...columns })
    .onConflict((conflict) => conflict.column('server_id').doUpdateSet(columns))
    .execute();
  if (!isShown) return;
  await tables
    .insertInto('server_health_changes')
    .values({
      id: newId(now),
      server_id: id,
      at: now.toISOString(),
      from_status: from,
      to_status: overall.status,
      causes: columns.causes,
    })
    .execute();
}

/** Writes the status into the property of Graph. False when another replica, or the check-in, has found the same at the same time. */
async function showStatus(tables: Kysely<Tables>, id: string, { status }: Overall): Promise<boolean> {
  // The version stays: it is that of what administrators change.
  const { numUpdatedRows } = await tables
    .updateTable('servers')
    .set({ tunnel_server_health_status: status })
    .where('id', '=', id)
    .where('tunnel_server_health_status', '!=', status)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}
