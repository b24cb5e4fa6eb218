import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { recordAudit } from '../audit/record.ts';
import type { Context } from '../context.ts';
import { newId } from '../database/identifier.ts';
import { inTransaction } from '../graph/change.ts';
import { idParameter, registerResource } from '../graph/routes.ts';
import { ApiError } from '../http/errors.ts';
import { channelOf } from './channel.ts';
import { noteAttempt } from './deliver.ts';
import { notificationChannels } from './entity.ts';
import { DeliveryFailure } from './failure.ts';
import { channelResource } from './resource.ts';
import { send } from './send.ts';

const attemptSchema = z.object({
  isDelivered: z.boolean(),
  message: z.string().describe('That it has arrived, or why not and what to do'),
});

/** Whom to tell when the health of servers changes, and a test of each. */
export function registerNotificationChannels(application: FastifyInstance, context: Context): void {
  registerResource(application, context, channelResource);
  application.post<{ Params: { id: string } }>(
    `${notificationChannels.base}/${notificationChannels.path}/:id/test`,
    {
      config: { access: channelResource.access.update },
      schema: {
        summary: 'Send a test message now, and say what came of it',
        tags: [notificationChannels.path],
        params: idParameter,
        response: { 200: attemptSchema },
      },
    },
    async (request) => {
      const { id } = request.params;
      const row = await context.database.tables
        .selectFrom('notification_channels')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirst();
      if (row === undefined) {
        throw new ApiError('ResourceNotFound', `there is no notification channel ${id}`);
      }
      const now = context.now();
      const failure = await send(channelOf(row, context.secrets), newId(now), { changes: [] }, now).then(
        () => undefined,
        (error: unknown) => {
          if (error instanceof DeliveryFailure) return error.message;
          throw error;
        },
      );
      await inTransaction(context, request, async ({ tables, caller: { actor } }) => {
        await noteAttempt(tables, id, failure, context.now());
        const object = { kind: 'notificationChannel', id, name: row.display_name };
        const outcome = failure === undefined ? 'success' : 'failure';
        const record = { actor, action: 'notificationChannel.test', object, outcome } as const;
        await recordAudit(
          tables,
          { ...record, ...(failure === undefined ? {} : { detail: failure }) },
          context.now(),
        );
      });
      return { isDelivered: failure === undefined, message: failure ?? 'the test message was taken' };
    },
  );
}
