import type { FastifyInstance } from 'fastify';
import { sql } from 'kysely';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { mistakes } from '../graph/body.ts';
import { audit, inTransaction } from '../graph/change.ts';
import type { GraphObject } from '../graph/conversion.ts';
import { graphBase } from '../graph/entity-set.ts';
import { answerItem, answerList, contextUrl, findOrRefuse, show } from '../graph/read.ts';
import type { Change } from '../graph/resource.ts';
import { idParameter } from '../graph/routes.ts';
import { itemQuery, listQuery, objectSchema, pageSchema } from '../graph/schemas.ts';
import { readPermission, updatePermission } from '../graph/scope.ts';
import { EntityStore } from '../graph/store.ts';
import type { StoredRow } from '../graph/tables.ts';
import { evaluateAllServers } from '../health-status/keep.ts';
import { checkIfMatch, etagOf } from '../odata/etag.ts';
import { healthThresholds } from './entity.ts';
import { type Threshold, type ThresholdKind, thresholdKinds, thresholdProblems } from './thresholds.ts';

const everywhere = sql<boolean>`(1 = 1)`;
const title = 'health threshold';

const readable = {
  set: healthThresholds,
  derive:
    () =>
    (shown: GraphObject): GraphObject => {
      const { defaultHealthyThreshold, defaultUnhealthyThreshold } = kindOf(String(shown.id));
      return { ...shown, defaultHealthyThreshold, defaultUnhealthyThreshold };
    },
};

/** Graph has them for every kind of object; thresholds are those of the metrics. */
const refusedForAll = {
  POST: `the thresholds are there from the start and no others can be made: ${Object.keys(thresholdKinds).join(', ')}; change one with PATCH`,
};
const refusedForOne = {
  DELETE: 'a threshold cannot be deleted; POST …/revertToDefault brings its default back',
};

const changeBody = z.looseObject({
  healthyThreshold: z.int().optional(),
  unhealthyThreshold: z.int().optional(),
});

function kindOf(id: string): ThresholdKind {
  const kind = thresholdKinds[id];
  if (kind === undefined) throw new Error(`there is no threshold ${id}`);
  return kind;
}

/** Makes the rows of thresholds that are not there yet; called at start. */
export async function ensureHealthThresholds({ database }: Pick<Context, 'database'>): Promise<void> {
  const rows = Object.entries(thresholdKinds).map(([id, kind]) => ({
    id,
    version: 1,
    healthy_threshold: kind.defaultHealthyThreshold,
    unhealthy_threshold: kind.defaultUnhealthyThreshold,
  }));
  await database.tables
    .insertInto('health_thresholds')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** The thresholds of health. They are the same for all servers, so scope tags do not matter. */
export function registerHealthThresholds(application: FastifyInstance, context: Context): void {
  const { engine, tables } = context.database;
  const url = `${graphBase}/${healthThresholds.path}`;
  const tags = [healthThresholds.path];
  const shown = objectSchema(healthThresholds.entity);

  application.get(
    url,
    {
      config: { access: readPermission, refused: refusedForAll },
      schema: {
        summary: 'List the health thresholds',
        tags,
        querystring: listQuery,
        response: { 200: pageSchema(healthThresholds.entity) },
      },
    },
    (request) => answerList(context, request, readable, everywhere),
  );
  application.get<{ Params: { id: string } }>(
    `${url}/:id`,
    {
      config: { access: readPermission, refused: refusedForOne },
      schema: {
        summary: 'Read a health threshold',
        tags,
        params: idParameter,
        querystring: itemQuery,
        response: { 200: shown },
      },
    },
    async (request) => {
      const store = new EntityStore(tables, engine, healthThresholds);
      return answerItem(
        context,
        request,
        readable,
        await findOrRefuse(store, request.params.id, everywhere, title),
      );
    },
  );
  application.patch<{ Params: { id: string }; Body: z.output<typeof changeBody> }>(
    `${url}/:id`,
    {
      config: { access: updatePermission },
      schema: {
        summary: 'Change a health threshold',
        tags,
        params: idParameter,
        body: changeBody,
        response: { 200: shown },
      },
    },
    async (request) =>
      inTransaction(context, request, async (change) => {
        const store = new EntityStore(change.tables, engine, healthThresholds);
        const row = await findOrRefuse(store, request.params.id, everywhere, title);
        checkIfMatch(request.headers['if-match'], etagOf(row.id, row.version));
        const wanted = { ...valuesOf(row), ...definedOf(request.body) };
        const problems = thresholdProblems(kindOf(row.id), wanted);
        if (problems.length > 0) throw mistakes(problems);
        const answer = await write(store, change, row, wanted, 'update');
        await judgeAnew(change);
        return answer;
      }),
  );
  application.post<{ Params: { id: string } }>(
    `${url}/:id/revertToDefault`,
    {
      config: { access: updatePermission },
      schema: {
        summary: 'Bring the default of a health threshold back',
        tags,
        params: idParameter,
        response: { 200: shown },
      },
    },
    async (request) =>
      inTransaction(context, request, async (change) => {
        const store = new EntityStore(change.tables, engine, healthThresholds);
        const row = await findOrRefuse(store, request.params.id, everywhere, title);
        const answer = await write(store, change, row, defaultOf(row), 'revertToDefault');
        await judgeAnew(change);
        return answer;
      }),
  );
  application.post(
    '/api/v1/healthThresholds/revertToDefaults',
    {
      config: { access: updatePermission },
      schema: {
        summary: 'Bring the defaults of all health thresholds back',
        tags,
        response: { 200: z.object({ value: z.array(shown) }) },
      },
    },
    async (request) =>
      inTransaction(context, request, async (change) => {
        const store = new EntityStore(change.tables, engine, healthThresholds);
        const rows = await store.all(everywhere);
        const value: GraphObject[] = [];
        for (const row of rows) {
          if (isDefault(row)) value.push(show(readable, row, context.now()));
          else value.push(await write(store, change, row, defaultOf(row), 'revertToDefault'));
        }
        await judgeAnew(change);
        return { value };
      }),
  );

  /** Servers are judged by the thresholds as they are from this moment on. */
  function judgeAnew(change: Change): Promise<void> {
    return evaluateAllServers({ engine: context.database.engine, tables: change.tables }, context.now());
  }

  async function write(
    store: EntityStore,
    change: Change,
    row: StoredRow,
    { healthyThreshold, unhealthyThreshold }: Threshold,
    verb: string,
  ): Promise<GraphObject> {
    const columns = { healthy_threshold: healthyThreshold, unhealthy_threshold: unhealthyThreshold };
    const changed = await store.update(row, columns);
    const object = show(readable, changed, context.now());
    await audit(change, readable, verb, changed, {
      before: show(readable, row, context.now()),
      after: object,
    });
    return { '@odata.context': contextUrl(context, `${healthThresholds.path}/$entity`), ...object };
  }
}

function valuesOf(row: StoredRow): Threshold {
  return {
    healthyThreshold: Number(row.healthy_threshold),
    unhealthyThreshold: Number(row.unhealthy_threshold),
  };
}

function defaultOf({ id }: StoredRow): Threshold {
  const { defaultHealthyThreshold, defaultUnhealthyThreshold } = kindOf(id);
  return { healthyThreshold: defaultHealthyThreshold, unhealthyThreshold: defaultUnhealthyThreshold };
}

function isDefault(row: StoredRow): boolean {
  const [present, wanted] = [valuesOf(row), defaultOf(row)];
  return (
    present.healthyThreshold === wanted.healthyThreshold &&
    present.unhealthyThreshold === wanted.unhealthyThreshold
  );
}

function definedOf({
  healthyThreshold,
  unhealthyThreshold,
}: z.output<typeof changeBody>): Partial<Threshold> {
  return {
    ...(healthyThreshold === undefined ? {} : { healthyThreshold }),
    ...(unhealthyThreshold === undefined ? {} : { unhealthyThreshold }),
  };
}
