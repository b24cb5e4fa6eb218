import { type Kysely, sql } from 'kysely';
import { recordAudit } from '../audit/record.ts';
import type { Context } from '../context.ts';
import type { Tables } from '../database/tables.ts';
import { type ChannelRow, channelOf } from './channel.ts';
import { DeliveryFailure } from './failure.ts';
import type { Message } from './message.ts';
import { nextAttempt } from './retry.ts';
import { send } from './send.ts';

type Place = Pick<Context, 'database' | 'secrets' | 'now' | 'logger'>;

/** Milliseconds after which messages that are left wait for the next time. */
const patience = 5_000;

/**
 * Sends the oldest message of each channel that is due, all at the same time, and keeps what came of it. A message may arrive
 * twice when the process ends in between; it has the same identifier then. Resolves to whether more may be due.
 */
export async function deliverDue(context: Place, signal: AbortSignal): Promise<boolean> {
  const { tables } = context.database;
  await forgetThoseOfDisabledChannels(tables);
  const began = context.now();
  const due = await readDue(tables, began);
  await Promise.all(
    due.map(async (row) => {
      const failure = await trySending(context, row, signal);
      // Told to stop in between, which is no fault of the receiver.
      if (failure !== undefined && signal.aborted) return;
      await keepOutcome(context, row, failure);
    }),
  );
  // Other work comes first where a receiver is slow: servers must be judged all the same.
  return due.length > 0 && context.now().getTime() - began.getTime() < patience;
}

interface DueRow extends ChannelRow {
  delivery_id: string;
  created_at: string;
  message: string;
  failures: number;
}

async function forgetThoseOfDisabledChannels(tables: Kysely<Tables>): Promise<void> {
  const disabled = tables.selectFrom('notification_channels').select('id').where('is_enabled', '=', 0);
  await tables.deleteFrom('notification_deliveries').where('channel_id', 'in', disabled).execute();
}

/** The first of each channel: the others wait behind it, so that messages arrive in their order. */
function readDue(tables: Kysely<Tables>, now: Date): Promise<DueRow[]> {
  const ranked = tables
    .selectFrom('notification_deliveries')
    .selectAll()
    .select(sql<number>`row_number() over (partition by channel_id order by id)`.as('place'));
  return tables
    .selectFrom(ranked.as('delivery'))
    .innerJoin('notification_channels', 'notification_channels.id', 'delivery.channel_id')
    .selectAll('notification_channels')
    .select(['delivery.id as delivery_id', 'delivery.created_at', 'delivery.message', 'delivery.failures'])
    .where('place', '=', 1)
    .where('next_attempt_at', '<=', now.toISOString())
    .execute();
}

async function trySending(
  { secrets, now, logger }: Place,
  row: DueRow,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const message = JSON.parse(row.message) as Message;
    await send(channelOf(row, secrets), row.delivery_id, message, now(), signal);
    return undefined;
  } catch (error) {
    if (error instanceof DeliveryFailure) return error.message;
    logger.error({ err: error, channel: row.id }, 'a message could not be sent');
    return 'the control plane could not send it; its log says why';
  }
}

/** Writes what came of an attempt into the channel, and when there is another one. */
async function keepOutcome(context: Place, row: DueRow, failure: string | undefined): Promise<void> {
  const now = context.now();
  const { delivery_id: id } = row;
  await context.database.tables.transaction().execute(async (tables) => {
    await noteAttempt(tables, row.id, failure, now);
    const failures = row.failures + 1;
    const attempt = { createdAt: new Date(row.created_at), failures };
    const next = failure === undefined ? undefined : nextAttempt(attempt, now, Math.random());
    if (next !== undefined) {
      await tables
        .updateTable('notification_deliveries')
        .set({ failures, next_attempt_at: next.toISOString() })
        .where('id', '=', id)
        .execute();
      return;
    }
    await tables.deleteFrom('notification_deliveries').where('id', '=', id).execute();
    if (failure === undefined) return;
    context.logger.warn({ channel: row.id, reason: failure }, 'a message was given up after a day');
    await recordAudit(
      tables,
      {
        actor: { kind: 'system', name: 'notifications' },
        action: 'notificationChannel.giveUp',
        object: { kind: 'notificationChannel', id: row.id, name: row.display_name },
        outcome: 'failure',
        detail: `a message of ${row.created_at} was tried for a day and did not arrive: ${failure}`,
      },
      now,
    );
  });
}

/** Keeps in a channel how the last attempt went; its version stays, because that is of what administrators change. */
export async function noteAttempt(
  tables: Kysely<Tables>,
  channelId: string,
  failure: string | undefined,
  now: Date,
): Promise<void> {
  const at = now.toISOString();
  const columns =
    failure === undefined
      ? { last_delivery_at: at, last_error: null, last_error_at: null }
      : { last_error: failure, last_error_at: at };
  await tables.updateTable('notification_channels').set(columns).where('id', '=', channelId).execute();
}
