import { scopeTagIds } from '@culvert/contracts';
import type { FastifyInstance } from 'fastify';
import { sql } from 'kysely';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { mistakes } from '../graph/body.ts';
import { inTransaction } from '../graph/change.ts';
import { answerItem, answerList, findOrRefuse } from '../graph/read.ts';
import { idParameter } from '../graph/routes.ts';
import { itemQuery, listQuery, objectSchema, pageSchema } from '../graph/schemas.ts';
import { EntityStore } from '../graph/store.ts';
import { ApiError } from '../http/errors.ts';
import { checkIfMatch, etagOf } from '../odata/etag.ts';
import { judgeRole } from '../roles/judge-role.ts';
import { unknownTags } from '../scope-tags/known-tags.ts';
import { durationRule, parseDuration } from './duration.ts';
import { apiTokens } from './entity.ts';
import { createToken, revokeToken } from './store.ts';

const everywhere = sql<boolean>`(1 = 1)`;
const readable = { set: apiTokens };

const newToken = z.strictObject({
  displayName: z.string().min(1).max(200),
  roleId: z.string().min(1).max(100),
  scopeTagIds: scopeTagIds.min(1).optional(),
  expiresIn: z
    .string()
    .refine((text) => parseDuration(text) !== undefined, { error: durationRule })
    .default('24h'),
});
const created = z.object({ id: z.string(), token: z.string(), expiresDateTime: z.string() });

/** Tokens for scripts: listed, made and ended. The text of a token is shown once. */
export function registerTokens(application: FastifyInstance, context: Context): void {
  const { engine, tables } = context.database;
  const url = `${apiTokens.base}/${apiTokens.path}`;
  const tags = [apiTokens.path];
  application.get(
    url,
    {
      config: { access: 'Culvert_Tokens_Read' },
      schema: {
        summary: 'List the API tokens',
        tags,
        querystring: listQuery,
        response: { 200: pageSchema(apiTokens.entity) },
      },
    },
    (request) => answerList(context, request, readable),
  );
  application.get<{ Params: { id: string } }>(
    `${url}/:id`,
    {
      config: { access: 'Culvert_Tokens_Read' },
      schema: {
        summary: 'Read an API token',
        tags,
        params: idParameter,
        querystring: itemQuery,
        response: { 200: objectSchema(apiTokens.entity) },
      },
    },
    async (request) => {
      const store = new EntityStore(tables, engine, apiTokens);
      return answerItem(
        context,
        request,
        readable,
        await findOrRefuse(store, request.params.id, everywhere, 'API token'),
      );
    },
  );
  application.post<{ Body: z.output<typeof newToken> }>(
    url,
    {
      config: { access: 'Culvert_Tokens_Create' },
      schema: {
        summary: 'Make an API token; its text is shown this once',
        tags,
        body: newToken,
        response: { 201: created },
      },
    },
    async (request, reply) => {
      const { displayName, roleId, scopeTagIds, expiresIn } = request.body;
      const made = await inTransaction(context, request, async (change) => {
        const problems = [
          ...(await judgeRole(change, roleId)),
          ...(await unknownTags(change.tables, 'scopeTagIds', scopeTagIds)),
        ];
        if (problems.length > 0) throw mistakes(problems);
        const lifetime = parseDuration(expiresIn) ?? 0;
        return createToken(
          change.tables,
          { displayName, roleId, scopeTagIds, lifetime },
          change.caller.actor,
          context.now(),
        );
      });
      return reply.status(201).send({ id: made.id, token: made.token, expiresDateTime: made.expiresAt });
    },
  );
  application.delete<{ Params: { id: string } }>(
    `${url}/:id`,
    {
      config: { access: 'Culvert_Tokens_Delete' },
      schema: { summary: 'Revoke an API token', tags, params: idParameter, response: { 204: z.null() } },
    },
    async (request, reply) => {
      const { id } = request.params;
      const isRevoked = await inTransaction(context, request, async (change) => {
        const store = new EntityStore(change.tables, engine, apiTokens);
        const row = await findOrRefuse(store, id, everywhere, 'API token');
        checkIfMatch(request.headers['if-match'], etagOf(row.id, row.version));
        return revokeToken(change.tables, id, change.caller.actor, context.now());
      });
      if (!isRevoked) throw new ApiError('ResourceNotFound', `there is no API token ${id} in force`);
      return reply.status(204).send(null);
    },
  );
}
