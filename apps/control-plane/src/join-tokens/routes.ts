import { agentListenerSchema, formatJoinToken } from '@culvert/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { sql } from 'kysely';
import { z } from 'zod';
import { agentAuthority } from '../agent-authority/authority.ts';
import { agentListenerUrl } from '../configuration/control-plane-configuration.ts';
import type { Context } from '../context.ts';
import { audit, inTransaction } from '../graph/change.ts';
import { ownBase } from '../graph/entity-set.ts';
import { answerItem, answerList, findOrRefuse, show } from '../graph/read.ts';
import type { Change } from '../graph/resource.ts';
import { idParameter } from '../graph/routes.ts';
import { itemQuery, listQuery, objectSchema, pageSchema } from '../graph/schemas.ts';
import { createPermission, deletePermission, inScope, readPermission } from '../graph/scope.ts';
import { EntityStore } from '../graph/store.ts';
import type { StoredRow } from '../graph/tables.ts';
import { callerOf } from '../http/access.ts';
import { checkIfMatch, etagOf } from '../odata/etag.ts';
import type { Permission } from '../permissions/permissions.ts';
import { findServer } from '../servers/find-server.ts';
import { requireSite } from '../servers/routes.ts';
import { parseDuration } from '../tokens/duration.ts';
import { joinTokens } from './entity.ts';
import { createJoinToken } from './store.ts';

const title = 'join token';
const readable = { set: joinTokens };
const longestLifetime = 30 * 86_400_000;

const expiresIn = z
  .string()
  .refine((text) => (parseDuration(text) ?? Number.POSITIVE_INFINITY) <= longestLifetime, {
    error: 'expected a number with m, h or d, such as 1h or 7d, and at most 30d',
  })
  .default('24h');
const identifier = z.string().min(1).max(100);
const newJoinToken = z
  .strictObject({
    siteId: identifier.optional().describe('The site that a server joins'),
    serverId: identifier.optional().describe('The server that joins again under its old record'),
    expiresIn,
  })
  .check((context) => {
    const { siteId, serverId } = context.value;
    if ((siteId === undefined) !== (serverId === undefined)) return;
    context.issues.push({
      code: 'custom',
      path: ['siteId'],
      message: 'name either the site that a server joins, or the server that joins again (serverId)',
      input: siteId,
    });
  });
const created = z.object({
  id: z.string(),
  joinToken: z.string().describe('One word for "agent join"; it is shown this once'),
  expiresDateTime: z.string(),
});

/** Join tokens, and where agents use them. */
export function registerJoinTokens(application: FastifyInstance, context: Context): void {
  const { engine, tables } = context.database;
  const url = `${ownBase}/${joinTokens.path}`;
  const tags = [joinTokens.path];

  application.get(
    `${ownBase}/agentListener`,
    {
      config: { access: 'public' },
      schema: {
        summary: 'Where agents connect, and the authority that they trust there',
        tags,
        response: { 200: agentListenerSchema },
      },
    },
    async () => {
      const { pem, fingerprint } = await agentAuthority(context);
      return { url: agentListenerUrl(context.configuration), authority: pem, fingerprint };
    },
  );
  application.get(
    url,
    {
      config: { access: readPermission },
      schema: {
        summary: 'List the join tokens; what makes them work is never shown again',
        tags,
        querystring: listQuery,
        response: { 200: pageSchema(joinTokens.entity) },
      },
    },
    (request) => answerList(context, request, readable, reaches(request, readPermission)),
  );
  application.get<{ Params: { id: string } }>(
    `${url}/:id`,
    {
      config: { access: readPermission },
      schema: {
        summary: 'Read a join token',
        tags,
        params: idParameter,
        querystring: itemQuery,
        response: { 200: objectSchema(joinTokens.entity) },
      },
    },
    async (request) => {
      const store = new EntityStore(tables, engine, joinTokens);
      const row = await findOrRefuse(store, request.params.id, reaches(request, readPermission), title);
      return answerItem(context, request, readable, row);
    },
  );
  application.post<{ Body: z.output<typeof newJoinToken> }>(
    url,
    {
      config: { access: createPermission, errors: ['ResourceNotFound'] },
      schema: {
        summary: 'Make a join token, good for one server; its text is shown this once',
        tags,
        body: newJoinToken,
        response: { 201: created },
      },
    },
    async (request, reply) => {
      // Its key is opened outside of the transaction, which holds the one connection of SQLite.
      const { fingerprint } = await agentAuthority(context);
      const { row, secret } = await inTransaction(context, request, async (change) => {
        const { site, serverId } = await placeOf(change, request);
        const made = await createJoinToken(
          change.tables,
          {
            siteId: site.id,
            serverId,
            createdBy: change.caller.actor.name,
            lifetime: parseDuration(request.body.expiresIn) ?? 0,
          },
          context.now(),
        );
        const after = show(readable, made.row, context.now());
        await audit(change, readable, 'create', { ...made.row, ...tagsOf(site) }, { after });
        return made;
      });
      return reply.status(201).send({
        id: row.id,
        joinToken: formatJoinToken({ url: agentListenerUrl(context.configuration), fingerprint, secret }),
        expiresDateTime: row.expires_at,
      });
    },
  );
  application.delete<{ Params: { id: string } }>(
    `${url}/:id`,
    {
      config: { access: deletePermission },
      schema: {
        summary: 'Take a join token back; servers that have joined with it stay',
        tags,
        params: idParameter,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await inTransaction(context, request, async (change) => {
        const store = new EntityStore(change.tables, engine, joinTokens);
        const row = await findOrRefuse(
          store,
          request.params.id,
          reaches(request, deletePermission),
          title,
          reaches(request, readPermission),
        );
        checkIfMatch(request.headers['if-match'], etagOf(row.id, row.version));
        const site = await requireSite(context, request, String(row.site_id), deletePermission, change);
        await store.remove(row);
        const before = show(readable, row, context.now());
        await audit(change, readable, 'delete', { ...row, ...tagsOf(site) }, { before });
      });
      return reply.status(204).send(null);
    },
  );

  /** The site that the body names, or that of the server that it names. */
  async function placeOf(change: Change, request: FastifyRequest<{ Body: z.output<typeof newJoinToken> }>) {
    const { siteId = '', serverId } = request.body;
    if (serverId === undefined) {
      const site = await requireSite(context, request, siteId, createPermission, change);
      return { site, serverId: undefined };
    }
    const found = await findServer(context, change.caller, serverId, createPermission, change.tables);
    return { site: found.site, serverId: found.server.id };
  }

  /** Those of sites that the caller may do this with. */
  function reaches(request: FastifyRequest, permission: Permission) {
    const scope = inScope(engine, callerOf(request), permission, 'sites.role_scope_tag_ids');
    return sql<boolean>`site_id in (select sites.id from sites where ${scope})`;
  }
}

function tagsOf(site: StoredRow) {
  return { role_scope_tag_ids: site.role_scope_tag_ids ?? '[]' };
}
