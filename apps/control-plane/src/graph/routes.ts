import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { callerOf } from '../http/access.ts';
import { create, remove, update, type Written } from './change.ts';
import { answerItem, answerList, contextOf, findOrRefuse, objectUrl } from './read.ts';
import type { Resource } from './resource.ts';
import { bodySchema, itemQuery, listQuery, objectSchema, pageSchema } from './schemas.ts';
import { scopeOf } from './scope.ts';
import { EntityStore } from './store.ts';

/** The path of one object. */
export const idParameter = z.object({ id: z.string().max(100) });

/** List, read, create, change and delete: the same for every kind of object, but some are made in a way of their own. */
export function registerResource(
  application: FastifyInstance,
  context: Context,
  resource: Resource,
  { hasOwnCreate = false } = {},
): void {
  const { set, title, schema, access } = resource;
  const { database } = context;
  const url = `${set.base}/${set.path}`;
  const tags = [set.path];
  const shown = objectSchema(set.entity);
  const notes = notesOf(resource);

  application.get(
    url,
    {
      config: { access: access.read },
      schema: {
        summary: `List every ${title}`,
        tags,
        querystring: listQuery,
        response: { 200: pageSchema(set.entity) },
      },
    },
    (request) =>
      answerList(
        context,
        request,
        resource,
        scopeOf(resource, database.engine, callerOf(request), access.read),
      ),
  );
  application.get<{ Params: { id: string } }>(
    `${url}/:id`,
    {
      config: { access: access.read },
      schema: {
        summary: `Read a ${title}`,
        tags,
        params: idParameter,
        querystring: itemQuery,
        response: { 200: shown },
      },
    },
    async (request) => {
      const store = new EntityStore(database.tables, database.engine, set);
      const scope = scopeOf(resource, database.engine, callerOf(request), access.read);
      const row = await findOrRefuse(store, request.params.id, scope, title);
      const object = await answerItem(context, request, resource, row);
      return { ...object, ...warningsOf(resource.warnings(object)) };
    },
  );
  if (!hasOwnCreate) registerCreate(application, context, resource);
  application.patch<{ Params: { id: string } }>(
    `${url}/:id`,
    {
      config: { access: access.update },
      schema: {
        summary: `Change a ${title}`,
        tags,
        params: idParameter,
        body: bodySchema(schema, { isPartial: true, ...notes }),
        response: { 200: shown },
      },
    },
    async (request) =>
      answerWritten(context, resource, await update(context, request, resource, request.params.id)),
  );
  application.delete<{ Params: { id: string } }>(
    `${url}/:id`,
    {
      config: { access: access.delete },
      schema: { summary: `Delete a ${title}`, tags, params: idParameter, response: { 204: z.null() } },
    },
    async (request, reply) => {
      await remove(context, request, resource, request.params.id);
      return reply.status(204).send(null);
    },
  );
}

/** What the document says of a body beside its schema. */
function notesOf({ documentation = {}, readOnly }: Resource) {
  const ignored = Object.fromEntries(readOnly.map((name) => [name, { readOnly: true }]));
  const { example, further } = documentation;
  return { example, further: { ...ignored, ...further } };
}

function registerCreate(application: FastifyInstance, context: Context, resource: Resource): void {
  const { set, title, schema, access } = resource;
  application.post(
    `${set.base}/${set.path}`,
    {
      config: { access: access.create },
      schema: {
        summary: `Create a ${title}`,
        tags: [set.path],
        body: bodySchema(schema, { isPartial: false, ...notesOf(resource) }),
        response: { 201: objectSchema(set.entity) },
      },
    },
    async (request, reply) => {
      const written = await create(context, request, resource);
      reply.status(201).header('location', objectUrl(context, set, String(written.object.id)));
      return answerWritten(context, resource, written);
    },
  );
}

/** The answer to a change: the object and what is doubtful about it. */
export function answerWritten(
  context: Context,
  { set }: Pick<Resource, 'set'>,
  { object, warnings }: Written,
) {
  return { ...contextOf(context, set, '/$entity'), ...object, ...warningsOf(warnings) };
}

function warningsOf(warnings: Written['warnings']) {
  if (warnings.length === 0) return {};
  return { '@culvert.warnings': warnings.map(({ path, message }) => ({ target: path, message })) };
}
