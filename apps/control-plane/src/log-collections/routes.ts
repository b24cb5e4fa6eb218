import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { sql } from 'kysely';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { inTransaction } from '../graph/change.ts';
import type { GraphObject } from '../graph/conversion.ts';
import { graphBase } from '../graph/entity-set.ts';
import { answerItem, answerList, contextUrl, findOrRefuse, show } from '../graph/read.ts';
import { idParameter } from '../graph/routes.ts';
import { itemQuery, listQuery, objectSchema, pageSchema } from '../graph/schemas.ts';
import { deletePermission, readPermission, updatePermission } from '../graph/scope.ts';
import { EntityStore } from '../graph/store.ts';
import type { StoredRow } from '../graph/tables.ts';
import { ApiError } from '../http/errors.ts';
import { checkIfMatch, etagOf } from '../odata/etag.ts';
import { spanShape } from '../servers/actions.ts';
import { requireServer, serverParameters, serversUrl } from '../servers/routes.ts';
import { auditCollection } from './audit.ts';
import { beginCollection } from './begin.ts';
import { DownloadLinks } from './download-link.ts';
import { logCollections } from './entity.ts';
import { readArchive } from './pieces.ts';
import { findCollection, visibleCollections } from './scope.ts';

const title = 'log collection';
const readable = { set: logCollections };

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
        const { startDateTime: start, endDateTime: end } = request.body;
        return inTransaction(context, request, async (change) => {
          const row = await beginCollection(change, { serverId: server.id, start, end });
          return {
            '@odata.context': contextUrl(context, logCollections.entity.name),
            value: show(readable, row, context.now()),
          };
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
    (request) => answerList(context, request, readable, visibleCollections(context, request, readPermission)),
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
    async (request) =>
      answerItem(context, request, readable, await findCollection(context, request, readPermission)),
  );
  application.delete<{ Params: { id: string } }>(
    `${url}/:id`,
    {
      config: { access: deletePermission },
      schema: { summary: 'Delete a log collection', tags, params: idParameter, response: { 204: z.null() } },
    },
    async (request, reply) => {
      const row = await findCollection(context, request, deletePermission);
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
        const row = await findCollection(context, request, updatePermission);
        if (row.status !== 'completed') throw notThere(row);
        const query = links.sign(row.id, context.now());
        // Logs tell about people: who took them stands in the audit log.
        await inTransaction(context, request, (change) =>
          auditCollection(change, 'createDownloadUrl', row, {}),
        );
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
      if (row.status !== 'completed') throw notThere(row);
      const pieces = readArchive(context.database, id);
      const first = await pieces.next();
      if (first.done === true) throw notKept();
      return reply
        .type('application/gzip')
        .header('content-length', Number(row.size_in_bytes))
        .header('content-disposition', `attachment; filename="logs-${id}.tar.gz"`)
        .send(Readable.from(after(first.value, pieces)));
    },
  );
}

async function* after(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

/** The row came back from a backup, and logs are not in one. */
function notKept(): ApiError {
  return new ApiError('Conflict', 'the logs are not there any more: ask the server again');
}

function notThere({ status, reason }: StoredRow): ApiError {
  if (status !== 'failed') return new ApiError('Conflict', 'the server has not sent its logs yet');
  return new ApiError('Conflict', `the server could not send its logs (${reason}): ask again`);
}
