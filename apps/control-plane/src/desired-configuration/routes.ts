import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { idParameter } from '../graph/routes.ts';
import { readPermission } from '../graph/scope.ts';
import { callerOf } from '../http/access.ts';
import { servers } from '../servers/entity.ts';
import { findServer, ownServerUrl } from '../servers/find-server.ts';

const shown = z.object({
  value: z.array(
    z.object({
      revision: z.string(),
      status: z
        .enum(['offered', 'applied', 'failed'])
        .describe('`offered`: the server has not said yet what became of it'),
      reason: z.string().nullable().describe('Why it failed; the server went back to the one before'),
      offeredDateTime: z.string(),
      reportedDateTime: z.string().nullable(),
      isInUse: z.boolean().describe('True for the one that the server runs with'),
    }),
  ),
});

/** What became of each state of the configuration on a server. */
export function registerConfigurationRevisions(application: FastifyInstance, context: Context): void {
  application.get<{ Params: { id: string } }>(
    `${ownServerUrl}/configurationRevisions`,
    {
      config: { access: readPermission },
      schema: {
        summary:
          'The last 20 states of the configuration that a server was offered, newest first, and what became of each',
        tags: [servers.path],
        params: idParameter,
        response: { 200: shown },
      },
    },
    async (request): Promise<z.output<typeof shown>> => {
      const { server } = await findServer(context, callerOf(request), request.params.id, readPermission);
      const rows = await context.database.tables
        .selectFrom('configuration_reports as report')
        .leftJoin('server_states as state', 'state.server_id', 'report.server_id')
        .selectAll('report')
        .select('state.applied_revision')
        .where('report.server_id', '=', server.id)
        .orderBy('report.offered_at', 'desc')
        .orderBy('report.revision')
        .execute();
      return {
        value: rows.map((row) => ({
          revision: row.revision,
          status: row.status,
          reason: row.reason,
          offeredDateTime: row.offered_at,
          reportedDateTime: row.reported_at,
          isInUse: row.revision === row.applied_revision,
        })),
      };
    },
  );
}
