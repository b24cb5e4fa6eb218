import type { FastifyInstance, FastifyRequest } from 'fastify';
import { sql } from 'kysely';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { inTransaction } from '../graph/change.ts';
import type { GraphObject } from '../graph/conversion.ts';
import { ownBase } from '../graph/entity-set.ts';
import { answerItem, answerList, findOrRefuse, show } from '../graph/read.ts';
import type { Change } from '../graph/resource.ts';
import { itemQuery, listQuery, objectSchema, pageSchema } from '../graph/schemas.ts';
import { readPermission, updatePermission } from '../graph/scope.ts';
import { EntityStore } from '../graph/store.ts';
import type { StoredRow } from '../graph/tables.ts';
import { readReleases } from '../releases/store.ts';
import { requireSite } from '../servers/routes.ts';
import { readSettings } from '../settings/store.ts';
import { upgrades } from './entity.ts';
import { readFacts } from './facts.ts';
import { planUpgrade } from './plan.ts';
import { goOn, requestUpgrade, stop } from './request.ts';
import { serverUpgradeStates } from './server-progress.ts';

const url = `${ownBase}/sites/:siteId/upgrades`;
const readable = { set: upgrades, defaultOrder: 'createdDateTime desc' };
const siteParameter = z.object({ siteId: z.string().max(100) });
const parameters = z.object({ siteId: z.string().max(100), id: z.string().max(100) });
type Params = z.output<typeof parameters>;

const requestBody = z.strictObject({
  version: z.string().max(64).optional().describe('A release; the newest one where it is absent'),
});

const time = z.string().nullable();
const serverShape = z.object({
  serverId: z.string(),
  displayName: z.string(),
  state: z.enum(serverUpgradeStates),
  fromVersion: z.string().nullable(),
  startedDateTime: time,
  cameUpDateTime: time,
  finishedDateTime: time,
  reason: z.string().nullable(),
});
const shown = objectSchema(upgrades.entity);
const planned = z
  .object({ targetVersion: z.string(), isAutomatic: z.boolean(), beginsDateTime: z.string() })
  .nullable();

/** The upgrades of a site: what is planned, what runs, what was. */
export function registerUpgrades(application: FastifyInstance, context: Context): void {
  const { engine, tables } = context.database;
  const tags = [upgrades.path];

  application.get<{ Params: { siteId: string } }>(
    url,
    {
      config: { access: readPermission },
      schema: {
        summary: 'List the upgrades of a site, the newest first, and what is planned',
        tags,
        params: siteParameter,
        querystring: listQuery,
        response: { 200: pageSchema(upgrades.entity).extend({ planned }) },
      },
    },
    async (request) => {
      const site = await requireSite(context, request, request.params.siteId, readPermission);
      const page = await answerList(context, request, readable, ofSite(site.id));
      return { ...page, planned: await plannedFor(site.id) };
    },
  );
  application.get<{ Params: Params }>(
    `${url}/:id`,
    {
      config: { access: readPermission },
      schema: {
        summary: 'Read an upgrade of a site, with how far each server is',
        tags,
        params: parameters,
        querystring: itemQuery,
        response: { 200: shown.extend({ servers: z.array(serverShape) }) },
      },
    },
    async (request) => {
      const site = await requireSite(context, request, request.params.siteId, readPermission);
      const store = new EntityStore(tables, engine, upgrades);
      const row = await findOrRefuse(store, request.params.id, ofSite(site.id), 'upgrade');
      return { ...(await answerItem(context, request, readable, row)), servers: await serversOf(row.id) };
    },
  );
  application.post<{ Params: { siteId: string }; Body: z.output<typeof requestBody> }>(
    url,
    {
      config: { access: updatePermission },
      schema: {
        summary: 'Approve an upgrade of the servers of a site',
        tags,
        params: siteParameter,
        body: requestBody,
        response: { 201: shown },
      },
    },
    async (request, reply) => {
      const { siteId } = request.params;
      const row = await change(request, siteId, (site, place, { caller }) =>
        requestUpgrade(place, {
          siteId: site.id,
          version: request.body.version,
          isStrict: true,
          actor: caller.actor,
          now: context.now(),
        }),
      );
      const location = `${context.configuration.publicUrl}${ownBase}/sites/${siteId}/upgrades/${row.id}`;
      return reply
        .status(201)
        .header('location', location)
        .send(show(readable, row, context.now()));
    },
  );
  for (const [action, { summary, work }] of Object.entries({
    stop: { summary: 'Stop an upgrade: no further server begins', work: stop },
    resume: { summary: 'Let an upgrade that was stopped go on', work: goOn },
  })) {
    application.post<{ Params: Params }>(
      `${url}/:id/${action}`,
      {
        config: { access: updatePermission },
        schema: { summary, tags, params: parameters, response: { 200: shown } },
      },
      async (request) => {
        const { siteId, id } = request.params;
        const row = await change(request, siteId, (site, place, { caller }) =>
          work(place, site, id, caller.actor, context.now()),
        );
        return show(readable, row, context.now());
      },
    );
  }

  /** Changes something about a site that the caller may change, in one transaction. */
  function change(
    request: FastifyRequest,
    siteId: string,
    work: (
      site: StoredRow,
      place: { engine: typeof engine; tables: Change['tables'] },
      change: Change,
    ) => Promise<StoredRow>,
  ): Promise<StoredRow> {
    return inTransaction(context, request, async (one) => {
      const site = await requireSite(context, request, siteId, updatePermission, one);
      return work(site, { engine, tables: one.tables }, one);
    });
  }

  function ofSite(siteId: string) {
    return sql<boolean>`${sql.ref('site_id')} = ${siteId}`;
  }

  async function plannedFor(siteId: string): Promise<z.output<typeof planned>> {
    const [facts] = await readFacts(tables, siteId);
    if (facts === undefined) return null;
    const { settings } = await readSettings(tables);
    const plan = planUpgrade({
      ...facts,
      releases: await readReleases(tables),
      now: context.now(),
      delayMinutes: settings.upgradeDelayMinutes,
    });
    if (plan === undefined) return null;
    const { target, isAutomatic, beginsAt } = plan;
    return { targetVersion: target, isAutomatic, beginsDateTime: beginsAt.toISOString() };
  }

  async function serversOf(upgradeId: string): Promise<z.output<typeof serverShape>[]> {
    const rows = await tables
      .selectFrom('upgrade_servers')
      .innerJoin('servers', 'servers.id', 'upgrade_servers.server_id')
      .selectAll('upgrade_servers')
      .select('servers.display_name')
      .where('upgrade_id', '=', upgradeId)
      .orderBy('servers.display_name')
      .orderBy('servers.id')
      .execute();
    return rows.map((row) => ({
      serverId: row.server_id,
      displayName: String(row.display_name),
      state: row.state,
      fromVersion: row.from_version,
      startedDateTime: row.started_at,
      cameUpDateTime: row.came_up_at,
      finishedDateTime: row.finished_at,
      reason: row.reason,
    })) satisfies GraphObject[];
  }
}
