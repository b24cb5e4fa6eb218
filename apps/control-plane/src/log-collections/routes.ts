import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type RawBuilder, sql } from 'kysely';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { newId } from '../database/identifier.ts';
import { audit, inTransaction } from '../graph/change.ts';
import type { GraphObject } from '../graph/conversion.ts';
import { graphBase } from '../graph/entity-set.ts';
import { answerItem, answerList, contextUrl, findOrRefuse, show } from '../graph/read.ts';
import type { Change } from '../graph/resource.ts';
import { idParameter } from '../graph/routes.ts';
import { itemQuery, listQuery, objectSchema, pageSchema } from '../graph/schemas.ts';
import { deletePermission, inScope, readPermission, updatePermission } from '../graph/scope.ts';
import { EntityStore } from '../graph/store.ts';
import type { StoredRow } from '../graph/tables.ts';
import { callerOf } from '../http/access.ts';
import { ApiError } from '../http/errors.ts';
import { checkIfMatch, etagOf } from '../odata/etag.ts';
import type { Permission } from '../permissions/permissions.ts';
import { spanShape } from '../servers/actions.ts';
import { requireServer, serverParameters, serversUrl } from '../servers/routes.ts';
import { DownloadLinks } from './download-link.ts';
import { logCollections } from './entity.ts';

const title = 'log collection';
const readable = { set: logCollections };
/** Days for which a request waits for its server, and its logs are kept. */
const keptDays = 30;

const askServer =
  'what a server has sent cannot be written; ask it for its logs with POST …/microsoftTunnelServers/ID/createServerLogCollectionRequest';

const requestBody = z.looseObject(spanShape).check((context) => {
  const { startDateTime, endDateTime } = context.value;
  if (startDateTime < endDateTime) return;
  context.issues.push({
    code: 'custom',
    path: ['endDateTime'],
    message: 'must be after startDateTime',
    input: endDateTime,
  });
});
const archive = { content: { 'application/gzip': { schema: z.string().meta({ format: 'binary' }) } } };
const downloadQuery = z.object({ expires: z.string().regex(/^\d{1,16}$/), signature: z.string().max(100) });

/** Requests for the logs of servers, and what came of them. */
export function registerLogCollections(application: FastifyInstance, context: Context): void {
  const { engine, tables } = context.database;
  const links = new DownloadLinks(context.secrets.deriveKey('log-download'));
  const url = `${graphBase}/${logCollections.path}`;
  const tags = [logCollections.path];
  const shown = objectSchema(logCollections.entity);

  for (const action of ['createServerLogCollectionRequest', 'generateServerLogCollectionRequest']) {
    application.post<{ Params: z.output<typeof serverParameters>; Body: z.output<typeof requestBody> }>(
      `${serversUrl}/:id/${action}`,
      {
        config: { access: updatePermission },
        schema: {
          summary: 'Ask a server for its logs',
          tags,
          params: serverParameters,
          body: requestBody,
          response: { 200: z.object({ '@odata.context': z.string(), value: shown }) },
        },
      },
      async (request) => {
        const server = await requireServer(context, request, updatePermission);
        const now = context.now();
        const row: StoredRow = {
          id: newId(now),
          version: 1,
          server_id: server.id,
          status: 'pending',
          start_date_time: request.body.startDateTime,
          end_date_time: request.body.endDateTime,
          request_date_time: now.toISOString(),
          expiry_date_time: new Date(now.getTime() + keptDays * 86_400_000).toISOString(),
        };
        return inTransaction(context, request, async (change) => {
          await new EntityStore(change.tables, engine, logCollections).insert(row);
          const object = show(readable, row, now);
          await auditCollection(change, 'create', row, { after: object });
          return { '@odata.context': contextUrl(context, logCollections.entity.name), value: object };
        });
      },
    );
  }
  application.get(
    url,
    {
      config: { access: readPermission, refused: { POST: askServer } },
      schema: {
        summary: 'List the log collections',
        tags,
        querystring: listQuery,
        response: { 200: pageSchema(logCollections.entity) },
      },
    },
    (request) => answerList(context, request, readable, visible(request, readPermission)),
  );
  application.get<{ Params: { id: string } }>(
    `${url}/:id`,
    {
      config: { access: readPermission, refused: { PATCH: askServer } },
      schema: {
        summary: 'Read a log collection',
        tags,
        params: idParameter,
        querystring: itemQuery,
        response: { 200: shown },
      },
    },
    async (request) => answerItem(context, request, readable, await find(request, readPermission)),
  );
  application.delete<{ Params: { id: string } }>(
    `${url}/:id`,
    {
      config: { access: deletePermission },
      schema: { summary: 'Delete a log collection', tags, params: idParameter, response: { 204: z.null() } },
    },
    async (request, reply) => {
      const row = await find(request, deletePermission);
      checkIfMatch(request.headers['if-match'], etagOf(row.id, row.version));
      await inTransaction(context, request, async (change) => {
        await new EntityStore(change.tables, engine, logCollections).remove(row);
        await auditCollection(change, 'delete', row, { before: show(readable, row, context.now()) });
      });
      return reply.status(204).send(null);
    },
  );
  for (const action of ['createDownloadUrl', 'generateDownloadUrl']) {
    application.post<{ Params: { id: string } }>(
      `${url}/:id/${action}`,
      {
        config: { access: updatePermission },
        schema: {
          summary: 'An address to download the logs, good for ten minutes',
          tags,
          params: idParameter,
          response: { 200: z.object({ '@odata.context': z.string(), value: z.string() }) },
        },
      },
      async (request) => {
        const row = await find(request, updatePermission);
        if (row.status !== 'completed') throw notThere(row);
        const query = links.sign(row.id, context.now());
        return {
          '@odata.context': contextUrl(context, 'Edm.String'),
          value: `${context.configuration.publicUrl}/api/v1/logDownloads/${row.id}?${query}`,
        } satisfies GraphObject;
      },
    );
  }
  application.get<{ Params: { id: string }; Querystring: z.output<typeof downloadQuery> }>(
    '/api/v1/logDownloads/:id',
    {
      config: { access: 'public', errors: ['Forbidden', 'Conflict'] },
      schema: {
        summary: 'Download logs by a signed address',
        tags,
        params: idParameter,
        querystring: downloadQuery,
        response: { 200: archive },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { expires, signature } = request.query;
      if (!links.isGood(id, expires, signature, context.now())) {
        throw new ApiError('Forbidden', 'this address is not valid any more; ask for a new one');
      }
      const store = new EntityStore(tables, engine, logCollections);
      const row = await findOrRefuse(store, id, sql<boolean>`(1 = 1)`, title);
      if (row.status !== 'completed' || typeof row.file !== 'string') throw notThere(row);
      const size = await sizeOf(row.file);
      return reply
        .type('application/gzip')
        .header('content-length', size)
        .header('content-disposition', `attachment; filename="logs-${id}.tar.gz"`)
        .send(createReadStream(row.file));
    },
  );

  /** Those of servers whose site the caller may see. */
  function visible(request: FastifyRequest, permission: Permission): RawBuilder<boolean> {
    const scope = inScope(engine, callerOf(request), permission, 'sites.role_scope_tag_ids');
    return sql<boolean>`server_id in (select servers.id from servers join sites on sites.id = servers.site_id where ${scope})`;
  }

  function find(
    request: FastifyRequest<{ Params: { id: string } }>,
    permission: Permission,
  ): Promise<StoredRow> {
    const store = new EntityStore(tables, engine, logCollections);
    const { id } = request.params;
    return findOrRefuse(store, id, visible(request, permission), title, visible(request, readPermission));
  }
}

/** An entry of the audit log about a collection; it is seen by whoever may see the site of the server. */
async function auditCollection(
  change: Change,
  verb: string,
  row: StoredRow,
  states: { before?: unknown; after?: unknown },
): Promise<void> {
  const site = await change.tables
    .selectFrom('servers')
    .innerJoin('sites', 'sites.id', 'servers.site_id')
    .select('sites.role_scope_tag_ids')
    .where('servers.id', '=', String(row.server_id))
    .executeTakeFirst();
  await audit(change, readable, verb, { ...row, ...site }, states);
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    throw new ApiError('Conflict', 'the file with the logs is not there any more: ask the server again', {
      cause: error,
    });
  }
}

function notThere({ status }: StoredRow): ApiError {
  const reason =
    status === 'failed'
      ? 'the server could not send its logs: ask again'
      : 'the server has not sent its logs yet';
  return new ApiError('Conflict', reason);
}
