import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { type RawBuilder, sql } from 'kysely';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { type GraphObject, present } from '../graph/conversion.ts';
import { answerItem, answerList, findOrRefuse } from '../graph/read.ts';
import { idParameter } from '../graph/routes.ts';
import { itemQuery, listQuery, objectSchema, pageSchema } from '../graph/schemas.ts';
import { inScope } from '../graph/scope.ts';
import { EntityStore } from '../graph/store.ts';
import type { StoredRow } from '../graph/tables.ts';
import { callerOf } from '../http/access.ts';
import { auditEntries } from './entity.ts';

const access = 'Culvert_Audit_Read';
/** Entries read at a time for an export. */
const batch = 500;

const exportQuery = z.object({
  from: z.iso.datetime({ offset: true }).optional().describe('First moment, such as 2026-11-01T00:00:00Z'),
  to: z.iso.datetime({ offset: true }).optional().describe('Moment before which the export ends'),
});

/** The entry with the object before and after. */
function showStates(row: StoredRow): GraphObject {
  const parse = (text: unknown) => (typeof text === 'string' ? JSON.parse(text) : null);
  return { before: parse(row.before), after: parse(row.after) };
}

/**
 * The audit log: newest first. There is no way to change it. A caller whose scope is limited sees the entries about objects in it.
 */
export function registerAudit(application: FastifyInstance, context: Context): void {
  const { engine, tables } = context.database;
  const url = `${auditEntries.base}/${auditEntries.path}`;
  const tags = [auditEntries.path];
  const readable = {
    set: auditEntries,
    defaultOrder: 'id desc',
  };
  application.get(
    url,
    {
      config: { access },
      schema: {
        summary: 'List the audit log',
        tags,
        querystring: listQuery,
        response: { 200: pageSchema(auditEntries.entity) },
      },
    },
    (request) => answerList(context, request, readable, inScope(engine, callerOf(request), access)),
  );
  application.get<{ Params: { id: string } }>(
    `${url}/:id`,
    {
      config: { access },
      schema: {
        summary: 'Read an entry of the audit log, with the object before and after',
        tags,
        params: idParameter,
        querystring: itemQuery,
        response: { 200: objectSchema(auditEntries.entity) },
      },
    },
    async (request) => {
      const store = new EntityStore(tables, engine, auditEntries);
      const row = await findOrRefuse(
        store,
        request.params.id,
        inScope(engine, callerOf(request), access),
        'audit entry',
      );
      return { ...(await answerItem(context, request, readable, row)), ...showStates(row) };
    },
  );
  application.get<{ Querystring: z.output<typeof exportQuery> }>(
    `${url}/export`,
    {
      config: { access },
      schema: {
        summary: 'The audit log as JSON lines, oldest first',
        tags,
        querystring: exportQuery,
        response: { 200: { content: { 'application/jsonl': { schema: z.string() } } } },
      },
    },
    (request, reply) => {
      const scope = inScope(engine, callerOf(request), access);
      const lines = exportLines(scope, request.query);
      return reply
        .type('application/jsonl')
        .header('content-disposition', 'attachment; filename="audit.jsonl"')
        .send(Readable.from(lines));
    },
  );

  async function* exportLines(scope: RawBuilder<boolean>, { from, to }: z.output<typeof exportQuery>) {
    const store = new EntityStore(tables, engine, auditEntries);
    const moment = (text: string) => new Date(text).toISOString();
    const span = sql<boolean>`${from === undefined ? sql`1 = 1` : sql`at >= ${moment(from)}`} and ${to === undefined ? sql`1 = 1` : sql`at < ${moment(to)}`}`;
    let last = '';
    for (;;) {
      const rows = await store.all(sql<boolean>`${scope} and ${span} and id > ${last}`, batch);
      for (const row of rows) {
        yield `${JSON.stringify({ ...present(auditEntries.entity, row), ...showStates(row) })}\n`;
      }
      if (rows.length < batch) return;
      last = rows.at(-1)?.id ?? last;
    }
  }
}
