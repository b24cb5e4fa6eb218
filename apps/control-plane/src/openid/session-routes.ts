import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type RawBuilder, sql } from 'kysely';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { inTransaction } from '../graph/change.ts';
import { answerItem, answerList, findOrRefuse } from '../graph/read.ts';
import { idParameter } from '../graph/routes.ts';
import { itemQuery, listQuery, objectSchema, pageSchema } from '../graph/schemas.ts';
import { EntityStore } from '../graph/store.ts';
import { callerOf } from '../http/access.ts';
import { hasPermission } from '../permissions/caller.ts';
import type { Permission } from '../permissions/permissions.ts';
import { signInSessions } from './session-entity.ts';
import { endSignIns } from './sign-in-sessions.ts';

const readable = { set: signInSessions, defaultOrder: 'lastUsedDateTime desc' };

/** Who is signed in where: everybody sees and ends their own sign-ins, and those of others with a permission. */
export function registerSignInSessions(application: FastifyInstance, context: Context): void {
  const { engine, tables } = context.database;
  const url = `${signInSessions.base}/${signInSessions.path}`;
  const tags = [signInSessions.path];
  application.get(
    url,
    {
      config: { access: 'signedIn' },
      schema: {
        summary: 'List the sign-ins of browsers and devices: your own, or everybody’s with the permission',
        tags,
        querystring: listQuery,
        response: { 200: pageSchema(signInSessions.entity) },
      },
    },
    (request) => answerList(context, request, readable, within(context, request, 'Culvert_Accounts_Read')),
  );
  application.get<{ Params: { id: string } }>(
    `${url}/:id`,
    {
      config: { access: 'signedIn' },
      schema: {
        summary: 'Read a sign-in',
        tags,
        params: idParameter,
        querystring: itemQuery,
        response: { 200: objectSchema(signInSessions.entity) },
      },
    },
    async (request) => {
      const store = new EntityStore(tables, engine, signInSessions);
      const restriction = within(context, request, 'Culvert_Accounts_Read');
      const row = await findOrRefuse(store, request.params.id, restriction, 'sign-in');
      return answerItem(context, request, readable, row);
    },
  );
  application.delete<{ Params: { id: string } }>(
    `${url}/:id`,
    {
      config: { access: 'signedIn' },
      schema: {
        summary: 'End a sign-in with its tokens, at once',
        tags,
        params: idParameter,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      await inTransaction(context, request, async (change) => {
        const store = new EntityStore(change.tables, engine, signInSessions);
        await findOrRefuse(store, id, within(context, request, 'Culvert_Accounts_Update'), 'sign-in');
        await endSignIns(change.tables, { id }, context.now(), () => ({
          actor: change.caller.actor,
          action: 'signInSession.end',
        }));
      });
      return reply.status(204).send(null);
    },
  );
}

/** The sign-ins in force that the caller may touch. A token for scripts has none of its own. */
function within({ now }: Context, request: FastifyRequest, permission: Permission): RawBuilder<boolean> {
  const caller = callerOf(request);
  const inForce = sql<boolean>`expires_at > ${now().toISOString()}`;
  if (hasPermission(caller, permission)) return inForce;
  const own = caller.actor.kind === 'user' ? (caller.actor.id ?? '') : '';
  return sql<boolean>`${inForce} and account_id = ${own}`;
}
