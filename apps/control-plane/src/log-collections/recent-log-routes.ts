import { gunzipSync } from 'node:zlib';
import { recentLogsBytes } from '@culvert/contracts';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { agentOf } from '../agent-listener/agent.ts';
import { AgentRefusal } from '../agent-listener/refusal.ts';
import type { Context } from '../context.ts';
import { idParameter } from '../graph/routes.ts';
import { readPermission } from '../graph/scope.ts';
import { callerOf } from '../http/access.ts';
import { ApiError } from '../http/errors.ts';
import { findServer } from '../servers/find-server.ts';
import { countLines, storeRecentLogs } from './recent-logs.ts';

/** More than are kept of one server. */
const mostListed = 500;
const recentLogSchema = z.object({
  id: z.string(),
  receivedDateTime: z.string(),
  sizeInBytes: z.int().describe('As it was sent, compressed'),
  lines: z.int(),
});
const contentParameters = z.object({ id: z.string().max(100), logId: z.string().max(100) });
const content = { content: { 'application/x-ndjson': { schema: z.string() } } };

/** Where agents send their warnings and errors each hour. */
export function registerRecentLogUploads(application: FastifyInstance, context: Context): void {
  application.register(async (uploads) => {
    uploads.addContentTypeParser(
      'application/gzip',
      { parseAs: 'buffer', bodyLimit: recentLogsBytes },
      (_request, body, done) => done(null, body),
    );
    uploads.put<{ Body: Buffer }>(
      '/agent/v1/recent-logs',
      { config: { from: 'agent' }, schema: { response: { 204: z.null() } } },
      async (request, reply) => {
        const packed = request.body;
        const lines = Buffer.isBuffer(packed) ? await countLines(packed).catch(() => undefined) : undefined;
        if (lines === undefined) {
          throw new AgentRefusal('invalid', 'recent logs are lines in gzip, of the type application/gzip');
        }
        const { serverId } = agentOf(request);
        await context.database.tables
          .transaction()
          .execute((tables) => storeRecentLogs(tables, serverId, { packed, lines }, context.now()));
        return reply.status(204).send(null);
      },
    );
  });
}

/** What servers have sent of their logs by themselves. */
export function registerRecentLogs(application: FastifyInstance, context: Context): void {
  const { tables } = context.database;
  const tags = ['logs'];
  const url = '/api/v1/servers/:id/recentLogs';
  application.get<{ Params: { id: string } }>(
    url,
    {
      config: { access: readPermission },
      schema: {
        summary: 'List the warnings and errors that a server has sent in the last seven days, newest first',
        tags,
        params: idParameter,
        response: { 200: z.object({ value: z.array(recentLogSchema) }) },
      },
    },
    async (request) => {
      const { server } = await findServer(context, callerOf(request), request.params.id, readPermission);
      const rows = await tables
        .selectFrom('recent_logs')
        .select(['id', 'received_at', 'size_in_bytes', 'lines'])
        .where('server_id', '=', server.id)
        .orderBy('id', 'desc')
        .limit(mostListed)
        .execute();
      return {
        value: rows.map((row) => ({
          id: row.id,
          receivedDateTime: row.received_at,
          sizeInBytes: row.size_in_bytes,
          lines: row.lines,
        })),
      };
    },
  );
  application.get<{ Params: z.output<typeof contentParameters> }>(
    `${url}/:logId/content`,
    {
      config: { access: readPermission },
      schema: {
        summary: 'Read lines that a server has sent',
        tags,
        params: contentParameters,
        response: { 200: content },
      },
    },
    async (request, reply) => {
      const { server } = await findServer(context, callerOf(request), request.params.id, readPermission);
      const { logId } = request.params;
      const row = await tables
        .selectFrom('recent_logs')
        .select('content')
        .where('server_id', '=', server.id)
        .where('id', '=', logId)
        .executeTakeFirst();
      if (row === undefined) {
        throw new ApiError(
          'ResourceNotFound',
          `there are no logs ${logId} of this server; they are kept for seven days`,
        );
      }
      return reply
        .type('application/x-ndjson')
        .send(gunzipSync(Buffer.from(row.content, 'base64')).toString());
    },
  );
}
