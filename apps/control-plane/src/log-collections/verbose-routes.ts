import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { inTransaction } from '../graph/change.ts';
import type { GraphObject } from '../graph/conversion.ts';
import { answerItem, answerList, show } from '../graph/read.ts';
import { idParameter } from '../graph/routes.ts';
import { itemQuery, listQuery, objectSchema, pageSchema } from '../graph/schemas.ts';
import { readPermission, updatePermission } from '../graph/scope.ts';
import type { StoredRow } from '../graph/tables.ts';
import { callerOf } from '../http/access.ts';
import { ApiError } from '../http/errors.ts';
import { findServer } from '../servers/find-server.ts';
import { lockServer } from '../servers/lock-server.ts';
import { auditCollection } from './audit.ts';
import { beginCollection } from './begin.ts';
import { collectionProgress } from './entity.ts';
import { orderLogs } from './order.ts';
import { findCollection, visibleCollections } from './scope.ts';
import { endVerbose, hoursBefore, verboseCollection } from './verbose.ts';

const verboseBody = z
  .strictObject({
    minutes: z.int().min(1).max(480).default(60).describe('How long the logs are verbose'),
    includeAccessLog: z
      .boolean()
      .default(false)
      .describe('The access log too, which has the names of users and where they connected from'),
  })
  .default({ minutes: 60, includeAccessLog: false });

const readable = { set: collectionProgress };

/** Verbose logs of a server, and how far its collections are. */
export function registerVerboseLogs(application: FastifyInstance, context: Context): void {
  const tags = ['logs'];
  const shown = objectSchema(collectionProgress.entity);
  const url = `${collectionProgress.base}/${collectionProgress.path}`;
  const showRow = (row: StoredRow): GraphObject => show(readable, row, context.now());

  application.post<{ Params: { id: string }; Body: z.output<typeof verboseBody> }>(
    '/api/v1/servers/:id/sendVerboseLogs',
    {
      config: { access: updatePermission },
      schema: {
        summary: 'Make the logs of a server verbose for a time, and collect them at its end',
        tags,
        params: idParameter,
        body: verboseBody,
        response: { 202: shown },
      },
    },
    async (request, reply) => {
      const { server } = await findServer(context, callerOf(request), request.params.id, updatePermission);
      const { minutes, includeAccessLog } = request.body;
      const row = await inTransaction(context, request, async (change) => {
        await lockServer({ engine: context.database.engine, tables: change.tables }, server.id);
        const present = await verboseCollection(change.tables, server.id);
        if (present !== undefined) {
          throw new ApiError(
            'Conflict',
            `the logs of this server are verbose until ${present.verbose_until} already (collection ${present.id}): wait, or end that with stopVerboseLogs`,
          );
        }
        const now = context.now();
        const until = new Date(now.getTime() + minutes * 60_000).toISOString();
        const start = new Date(now.getTime() - hoursBefore * 3_600_000).toISOString();
        const span = { start, end: until, verboseUntil: until };
        return beginCollection(change, { serverId: server.id, ...span, includeAccessLog });
      });
      return reply.status(202).send(showRow(row));
    },
  );
  application.post<{ Params: { id: string } }>(
    '/api/v1/servers/:id/stopVerboseLogs',
    {
      config: { access: updatePermission },
      schema: {
        summary: 'End verbose logs early, and collect them at once',
        tags,
        params: idParameter,
        response: { 202: shown },
      },
    },
    async (request, reply) => {
      const { server } = await findServer(context, callerOf(request), request.params.id, updatePermission);
      const row = await inTransaction(context, request, async (change) => {
        const present = await verboseCollection(change.tables, server.id);
        if (present === undefined || !(await endVerbose(change.tables, present)))
          throw new ApiError('Conflict', 'the logs of this server are not verbose');
        const at = context.now().toISOString();
        const stopped: StoredRow = { ...present, state: 'ordered', end_date_time: at, verbose_until: at };
        await orderLogs(change, stopped);
        await auditCollection(change, 'stopVerbose', stopped, {
          before: showRow(present),
          after: showRow(stopped),
        });
        return stopped;
      });
      return reply.status(202).send(showRow(row));
    },
  );
  application.get(
    url,
    {
      config: { access: readPermission },
      schema: {
        summary: 'List the log collections and how far they are',
        tags,
        querystring: listQuery,
        response: { 200: pageSchema(collectionProgress.entity) },
      },
    },
    (request) => answerList(context, request, readable, visibleCollections(context, request, readPermission)),
  );
  application.get<{ Params: { id: string } }>(
    `${url}/:id`,
    {
      config: { access: readPermission },
      schema: {
        summary: 'Read how far a log collection is',
        tags,
        params: idParameter,
        querystring: itemQuery,
        response: { 200: shown },
      },
    },
    async (request) =>
      answerItem(context, request, readable, await findCollection(context, request, readPermission)),
  );
}
