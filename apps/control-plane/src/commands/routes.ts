import { type CommandKind, type CommandOrder, commandOrderSchema } from '@culvert/contracts';
import type { FastifyInstance } from 'fastify';
import { sql } from 'kysely';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { inTransaction } from '../graph/change.ts';
import { answerItem, answerList, findOrRefuse, show } from '../graph/read.ts';
import { idParameter } from '../graph/routes.ts';
import { itemQuery, listQuery, objectSchema, pageSchema } from '../graph/schemas.ts';
import { readPermission, updatePermission } from '../graph/scope.ts';
import { EntityStore } from '../graph/store.ts';
import { callerOf } from '../http/access.ts';
import type { Permission } from '../permissions/permissions.ts';
import { findServer, ownServerUrl } from '../servers/find-server.ts';
import { commands } from './entity.ts';
import { orderCommand } from './order.ts';

const readable = { set: commands, defaultOrder: 'id desc' };
const tags = ['serverCommands'];
const commandParameters = z.object({ id: z.string().max(100), commandId: z.string().max(100) });

/** Logs are asked for where they are listed and downloaded. */
type Order = Exclude<CommandOrder, { kind: 'collectLogs' }>;

const permissionOf: Record<Exclude<CommandKind, 'collectLogs'>, Permission> = {
  restartServer: updatePermission,
  renewCertificate: updatePermission,
  disconnectSession: 'Culvert_Sessions_Delete',
  disconnectUser: 'Culvert_Sessions_Delete',
};

const orderBody = z.discriminatedUnion(
  'kind',
  commandOrderSchema.options.filter(({ shape }) => shape.kind.value !== 'collectLogs') as [
    (typeof commandOrderSchema.options)[0],
  ],
) as unknown as z.ZodType<Order>;

/** What servers are told to do, and what came of it. */
export function registerCommands(application: FastifyInstance, context: Context): void {
  const { engine, tables } = context.database;
  const url = `${ownServerUrl}/commands`;
  const shown = objectSchema(commands.entity);

  application.post<{ Params: { id: string }; Body: Order }>(
    url,
    {
      // What it needs depends on the kind.
      config: { access: 'signedIn', errors: ['Forbidden'] },
      schema: {
        summary:
          'Tell a server to do something once; to restart it or renew its certificate needs the permission to update servers, to disconnect needs the one to delete sessions',
        tags,
        params: idParameter,
        body: orderBody,
        response: { 201: shown },
      },
    },
    async (request, reply) => {
      const row = await inTransaction(context, request, async (change) => {
        const permission = permissionOf[request.body.kind];
        const { server } = await findServer(
          context,
          change.caller,
          request.params.id,
          permission,
          change.tables,
        );
        return orderCommand(change, server.id, request.body);
      });
      return reply
        .status(201)
        .header('location', `${context.configuration.publicUrl}${request.url.split('?')[0]}/${row.id}`)
        .send(show(readable, row, context.now()));
    },
  );
  application.get<{ Params: { id: string } }>(
    url,
    {
      config: { access: readPermission },
      schema: {
        summary: 'List the commands of a server, newest first',
        tags,
        params: idParameter,
        querystring: listQuery,
        response: { 200: pageSchema(commands.entity) },
      },
    },
    async (request) => {
      const { server } = await findServer(context, callerOf(request), request.params.id, readPermission);
      return answerList(context, request, readable, sql`server_id = ${server.id}`);
    },
  );
  application.get<{ Params: z.output<typeof commandParameters> }>(
    `${url}/:commandId`,
    {
      config: { access: readPermission },
      schema: {
        summary: 'Read a command, and what came of it',
        tags,
        params: commandParameters,
        querystring: itemQuery,
        response: { 200: shown },
      },
    },
    async (request) => {
      const { id, commandId } = request.params;
      const { server } = await findServer(context, callerOf(request), id, readPermission);
      const store = new EntityStore(tables, engine, commands);
      const row = await findOrRefuse(store, commandId, sql`server_id = ${server.id}`, 'command');
      return answerItem(context, request, readable, row);
    },
  );
}
