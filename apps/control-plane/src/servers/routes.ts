import { validateDocument } from '@culvert/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type RawBuilder, sql } from 'kysely';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { newId } from '../database/identifier.ts';
import { merge, mistakes, readBody } from '../graph/body.ts';
import { audit, inTransaction } from '../graph/change.ts';
import { columnsOf, type GraphObject } from '../graph/conversion.ts';
import { graphBase } from '../graph/entity-set.ts';
import { answerItem, answerList, contextUrl, findOrRefuse, show } from '../graph/read.ts';
import type { Change } from '../graph/resource.ts';
import { bodySchema, itemQuery, listQuery, objectSchema, pageSchema } from '../graph/schemas.ts';
import {
  createPermission,
  deletePermission,
  inScope,
  readPermission,
  updatePermission,
} from '../graph/scope.ts';
import { EntityStore } from '../graph/store.ts';
import type { StoredRow } from '../graph/tables.ts';
import { callerOf } from '../http/access.ts';
import { checkIfMatch, etagOf } from '../odata/etag.ts';
import type { Permission } from '../permissions/permissions.ts';
import { sites } from '../sites/entity.ts';
import { servers } from './entity.ts';
import { readableServer, readOnlyOfServer, serverSchema, serverTitle } from './resource.ts';

export const serversUrl = `${graphBase}/${sites.path}/:siteId/${servers.path}`;
const siteParameter = z.object({ siteId: z.string().max(100) });
export const serverParameters = z.object({ siteId: z.string().max(100), id: z.string().max(100) });
type Params = z.output<typeof serverParameters>;
const written = { set: servers, readOnly: readOnlyOfServer };
const notes = {
  example: { displayName: 'gateway-1' },
  further: Object.fromEntries(readOnlyOfServer.map((name) => [name, { readOnly: true }])),
};

/** Servers of a site. A server has the scope tags of its site. */
export function registerServers(application: FastifyInstance, context: Context): void {
  const { engine } = context.database;
  const tags = [servers.path];
  const shown = objectSchema(servers.entity);

  application.get<{ Params: { siteId: string } }>(
    serversUrl,
    {
      config: { access: readPermission },
      schema: {
        summary: 'List the servers of a site',
        tags,
        params: siteParameter,
        querystring: listQuery,
        response: { 200: pageSchema(servers.entity) },
      },
    },
    async (request) => {
      const { siteId } = request.params;
      const scope = inScope(engine, callerOf(request), readPermission);
      const inSite = sql<boolean>`${ofSite(siteId)} and exists (select 1 from sites where id = ${siteId} and ${scope})`;
      const answer = await answerList(context, request, readableServer, inSite);
      // A page that has servers has a site; only an empty one may mean that there is none.
      if ((answer.value as unknown[]).length === 0)
        await requireSite(context, request, siteId, readPermission);
      return answer;
    },
  );
  application.get<{ Params: Params }>(
    `${serversUrl}/:id`,
    {
      config: { access: readPermission },
      schema: {
        summary: 'Read a server',
        tags,
        params: serverParameters,
        querystring: itemQuery,
        response: { 200: shown },
      },
    },
    async (request) =>
      answerItem(context, request, readableServer, await requireServer(context, request, readPermission)),
  );
  application.post<{ Params: { siteId: string } }>(
    serversUrl,
    {
      config: { access: createPermission },
      schema: {
        summary: 'Create the record of a server; an installation does so by itself',
        tags,
        params: siteParameter,
        body: bodySchema(serverSchema, { isPartial: false, ...notes }),
        response: { 201: shown },
      },
    },
    async (request, reply) => {
      const row = await inTransaction(context, request, async (change) => {
        const site = await requireSite(context, request, request.params.siteId, createPermission, change);
        const { properties } = readBody(written, request.body as GraphObject);
        const validated = validateDocument(serverSchema, merge({}, properties));
        if (!validated.ok) throw mistakes(validated.problems);
        const created: StoredRow = {
          id: newId(context.now()),
          version: 1,
          site_id: site.id,
          tunnel_server_health_status: 'unknown',
          ...columnsOf(servers.entity, validated.value),
        };
        await new EntityStore(change.tables, engine, servers).insert(created);
        await auditServer(change, site, 'create', created, {
          after: show(readableServer, created, context.now()),
        });
        return created;
      });
      reply
        .status(201)
        .header('location', `${context.configuration.publicUrl}${request.url.split('?')[0]}/${row.id}`);
      return answer(context, row);
    },
  );
  application.patch<{ Params: Params }>(
    `${serversUrl}/:id`,
    {
      config: { access: updatePermission },
      schema: {
        summary: 'Change a server',
        tags,
        params: serverParameters,
        body: bodySchema(serverSchema, { isPartial: true, ...notes }),
        response: { 200: shown },
      },
    },
    async (request) => {
      const changed = await inTransaction(context, request, async (change) => {
        const { site, row } = await forChange(change, request, updatePermission);
        const before = show(readableServer, row, context.now());
        const { properties } = readBody(written, request.body as GraphObject);
        const { displayName, deploymentMode } = before;
        const validated = validateDocument(serverSchema, merge({ displayName, deploymentMode }, properties));
        if (!validated.ok) throw mistakes(validated.problems);
        const store = new EntityStore(change.tables, engine, servers);
        const updated = await store.update(row, columnsOf(servers.entity, validated.value));
        await auditServer(change, site, 'update', updated, {
          before,
          after: show(readableServer, updated, context.now()),
        });
        return updated;
      });
      return answer(context, changed);
    },
  );
  application.delete<{ Params: Params }>(
    `${serversUrl}/:id`,
    {
      config: { access: deletePermission },
      schema: {
        summary: 'Delete the record of a server',
        tags,
        params: serverParameters,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await inTransaction(context, request, async (change) => {
        const { site, row } = await forChange(change, request, deletePermission);
        await new EntityStore(change.tables, engine, servers).remove(row);
        await auditServer(change, site, 'delete', row, { before: show(readableServer, row, context.now()) });
      });
      return reply.status(204).send(null);
    },
  );

  async function forChange(
    change: Change,
    request: FastifyRequest<{ Params: Params }>,
    permission: Permission,
  ) {
    const { siteId, id } = request.params;
    const site = await requireSite(context, request, siteId, permission, change);
    const row = await findOrRefuse(
      new EntityStore(change.tables, engine, servers),
      id,
      ofSite(site.id),
      serverTitle,
    );
    checkIfMatch(request.headers['if-match'], etagOf(row.id, row.version));
    return { site, row };
  }

  function ofSite(siteId: string): RawBuilder<boolean> {
    return sql<boolean>`${sql.ref('site_id')} = ${siteId}`;
  }
}

/** The site of a path, within the caller's scope. */
export function requireSite(
  { database }: Context,
  request: FastifyRequest,
  id: string,
  permission: Permission,
  { tables } = { tables: database.tables },
): Promise<StoredRow> {
  const caller = callerOf(request);
  const scope = inScope(database.engine, caller, permission);
  const visible = inScope(database.engine, caller, readPermission);
  return findOrRefuse(new EntityStore(tables, database.engine, sites), id, scope, 'site', visible);
}

/** The server of a path, within the caller's scope. */
export async function requireServer(
  context: Context,
  request: FastifyRequest<{ Params: Params }>,
  permission: Permission,
): Promise<StoredRow> {
  const { siteId, id } = request.params;
  const site = await requireSite(context, request, siteId, permission);
  const { engine, tables } = context.database;
  const inSite = sql<boolean>`${sql.ref('site_id')} = ${site.id}`;
  return findOrRefuse(new EntityStore(tables, engine, servers), id, inSite, serverTitle);
}

/** An entry of the audit log about a server; it is seen by whoever may see the site. */
export function auditServer(
  change: Change,
  site: StoredRow,
  verb: string,
  row: StoredRow,
  states: { before?: unknown; after?: unknown },
): Promise<void> {
  return audit(
    change,
    readableServer,
    verb,
    { ...row, role_scope_tag_ids: site.role_scope_tag_ids ?? '[]' },
    states,
  );
}

function answer(context: Context, row: StoredRow): GraphObject {
  return {
    '@odata.context': contextUrl(context, `${servers.path}/$entity`),
    ...show(readableServer, row, context.now()),
  };
}
