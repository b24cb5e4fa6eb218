import { healthMetricNames } from '@culvert/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { sql } from 'kysely';
import { z } from 'zod';
import { recordAudit } from '../audit/record.ts';
import type { Context } from '../context.ts';
import { inTransaction } from '../graph/change.ts';
import { idParameter } from '../graph/routes.ts';
import { inScope, readPermission, updatePermission } from '../graph/scope.ts';
import { callerOf } from '../http/access.ts';
import { ApiError } from '../http/errors.ts';
import type { Permission } from '../permissions/permissions.ts';
import { lockServer } from '../servers/lock-server.ts';
import { type Assessment, assess, type ObservedServer } from './assess.ts';
import { describeBands, metricStatuses } from './bands.ts';
import { bandsOf } from './evaluate.ts';
import { evaluateServer } from './keep.ts';
import { metricRules } from './metric-rules.ts';
import { overallStatuses } from './overall.ts';
import { readServers } from './read.ts';
import { causeText } from './words.ts';

/** Servers of one answer; the largest installation that is planned for has a thousand. */
const mostServers = 10_000;

const summaryShape = {
  id: z.string(),
  displayName: z.string(),
  siteId: z.string(),
  siteName: z.string(),
  status: z.enum(overallStatuses),
  since: z.string().describe('Since when it has this status'),
  reason: z.string().describe('Why it has this status'),
  lastCheckInDateTime: z.string().nullable(),
  versions: z.object({
    agent: z.string().nullable(),
    gateway: z.string().nullable(),
    engine: z.string().nullable(),
  }),
  sessions: z.object({ connected: z.int(), away: z.int(), capacity: z.int() }),
};
const metricSchema = z.object({
  name: z.enum(healthMetricNames),
  title: z.string(),
  value: z.number().nullable().describe('Null where nothing is known'),
  unit: z.string(),
  limits: z.string().nullable().describe('From which values on it is healthy and unhealthy'),
  status: z.enum(metricStatuses).describe('unknown means that nobody can tell; it does not count'),
  since: z.string().describe('Since when it has this status'),
  reason: z.string(),
  remedy: z.string().nullable().describe('What to do; null while it is healthy'),
});
const detailSchema = z.object({ ...summaryShape, metrics: z.array(metricSchema) });
const listSchema = z.object({
  value: z.array(z.object(summaryShape)),
  counts: z
    .partialRecord(z.enum(overallStatuses), z.int())
    .describe('Servers of each status, whatever the filter'),
});
const listFilter = z.object({
  siteId: z.string().max(100).optional().describe('Only servers of this site'),
  status: z.enum(overallStatuses).optional().describe('Only servers with this status'),
});

/** The health of servers as people read it. It is judged for each answer; Graph's property is at most a minute older. */
export function registerHealthStatus(application: FastifyInstance, context: Context): void {
  const { engine, tables } = context.database;
  const tags = ['health'];

  application.get<{ Querystring: z.output<typeof listFilter> }>(
    '/api/v1/health',
    {
      config: { access: readPermission },
      schema: {
        summary: 'The health of every server',
        tags,
        querystring: listFilter,
        response: { 200: listSchema },
      },
    },
    async (request) => {
      const { siteId, status } = request.query;
      const ofSite = siteId === undefined ? sql<boolean>`(1 = 1)` : sql<boolean>`servers.site_id = ${siteId}`;
      const condition = sql<boolean>`${visible(request, readPermission)} and ${ofSite}`;
      const now = context.now();
      const servers = await readServers(tables, { condition, most: mostServers }, now);
      const summaries = servers.map((server) => summary(server, assess(server, now)));
      const counts = Map.groupBy(summaries, (one) => one.status);
      return {
        value: summaries
          .filter((one) => status === undefined || one.status === status)
          .sort(
            (one, other) => order(one.siteName, other.siteName) || order(one.displayName, other.displayName),
          ),
        counts: Object.fromEntries([...counts].map(([name, list]) => [name, list.length])),
      };
    },
  );
  application.get<{ Params: { id: string } }>(
    '/api/v1/servers/:id/health',
    {
      config: { access: readPermission },
      schema: {
        summary: 'The health of a server: every metric with its reason and remedy',
        tags,
        params: idParameter,
        response: { 200: detailSchema },
      },
    },
    async (request) => {
      const server = await find(request, readPermission, tables);
      return detail(server, assess(server, context.now()));
    },
  );
  application.post<{ Params: { id: string } }>(
    '/api/v1/servers/:id/health/acknowledgeUpgrade',
    {
      config: { access: updatePermission },
      schema: {
        summary: 'Say that a failed upgrade was seen; the server is judged by its metrics again',
        tags,
        params: idParameter,
        response: { 200: detailSchema },
      },
    },
    async (request) =>
      inTransaction(context, request, async (change) => {
        const server = await find(request, updatePermission, change.tables);
        const { upgrade, id, displayName } = server;
        if (upgrade?.state !== 'failed') {
          throw new ApiError('Conflict', `no upgrade of the server ${displayName} has failed`);
        }
        const now = context.now();
        await lockServer({ engine, tables: change.tables }, id);
        await change.tables
          .updateTable('server_health_states')
          .set({ acknowledged_upgrade: upgrade.id })
          .where('server_id', '=', id)
          .execute();
        const site = await change.tables
          .selectFrom('sites')
          .select('role_scope_tag_ids')
          .where('id', '=', server.siteId)
          .executeTakeFirstOrThrow();
        const roleScopeTagIds = JSON.parse(String(site.role_scope_tag_ids)) as string[];
        await recordAudit(
          change.tables,
          {
            actor: change.caller.actor,
            action: 'microsoftTunnelServer.acknowledgeUpgrade',
            object: { kind: 'microsoftTunnelServer', id, name: displayName, roleScopeTagIds },
            outcome: 'success',
            detail: upgrade.reason ?? '',
          },
          now,
        );
        const assessment = await evaluateServer(change.tables, id, now);
        if (assessment === undefined) throw notThere(id);
        return detail(server, assessment);
      }),
  );

  /** Servers whose site the caller may see. */
  function visible(request: FastifyRequest, permission: Permission) {
    return inScope(engine, callerOf(request), permission, 'sites.role_scope_tag_ids');
  }

  async function find(
    request: FastifyRequest<{ Params: { id: string } }>,
    permission: Permission,
    place: typeof tables,
  ): Promise<ObservedServer> {
    const { id } = request.params;
    const read = (needed: Permission) =>
      readServers(
        place,
        { condition: sql<boolean>`servers.id = ${id} and ${visible(request, needed)}`, most: 1 },
        context.now(),
      );
    const [server] = await read(permission);
    if (server !== undefined) return server;
    if (permission !== readPermission && (await read(readPermission)).length > 0) {
      throw new ApiError(
        'Forbidden',
        `you may see the server ${id} and not do this with it: the role that allows it reaches other scope tags`,
      );
    }
    throw notThere(id);
  }
}

function notThere(id: string): ApiError {
  return new ApiError('ResourceNotFound', `there is no server ${id}`);
}

function order(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

function summary(server: ObservedServer, { overall }: Assessment) {
  const { id, displayName, siteId, siteName, observation, versions, sessions } = server;
  return {
    id,
    displayName,
    siteId,
    siteName,
    status: overall.status,
    since: overall.since,
    reason: causeText(overall.status, overall.causes, 'en'),
    lastCheckInDateTime: observation.lastCheckInAt?.toISOString() ?? null,
    versions,
    sessions,
  };
}

function detail(server: ObservedServer, assessment: Assessment): z.output<typeof detailSchema> {
  const metrics = assessment.metrics.map(({ name, value = null, status, since, reason, remedy = null }) => {
    const { title, unit, names } = metricRules[name];
    const bands = bandsOf(name, server.observation);
    const limits = bands === undefined || names !== undefined ? null : describeBands(bands, unit);
    return { name, title: title.en, value, unit: unit.trim(), limits, status, since, reason, remedy };
  });
  return { ...summary(server, assessment), metrics };
}
