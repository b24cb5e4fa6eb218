import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { revokeCertificates } from '../agent-authority/agent-certificate.ts';
import type { Context } from '../context.ts';
import { inTransaction } from '../graph/change.ts';
import { idParameter } from '../graph/routes.ts';
import { updatePermission } from '../graph/scope.ts';
import { servers } from '../servers/entity.ts';
import { findServer, ownServerUrl } from '../servers/find-server.ts';
import { lockServer } from '../servers/lock-server.ts';
import { auditServer } from '../servers/routes.ts';

/** Ends the trust in the agent of a server. */
export function registerRevocation(application: FastifyInstance, context: Context): void {
  application.post<{ Params: { id: string } }>(
    `${ownServerUrl}/revokeCertificates`,
    {
      config: { access: updatePermission },
      schema: {
        summary:
          'Refuse the agent of a server from this moment on; it can join again with a join token for it',
        tags: [servers.path],
        params: idParameter,
        response: { 200: z.object({ revoked: z.int().describe('Certificates that were in force') }) },
      },
    },
    (request) =>
      inTransaction(context, request, async (change) => {
        const { id } = request.params;
        const found = await findServer(context, change.caller, id, updatePermission, change.tables);
        await lockServer({ engine: context.database.engine, tables: change.tables }, found.server.id);
        const revoked = await revokeCertificates(change.tables, found.server.id, context.now());
        await auditServer(change, found.site, 'revokeCertificates', found.server, { after: { revoked } });
        return { revoked };
      }),
  );
}
