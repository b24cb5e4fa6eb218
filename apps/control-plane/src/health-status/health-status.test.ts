import type { FastifyInstance } from 'fastify';
import { sql } from 'kysely';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { ensureHealthThresholds } from '../health-thresholds/routes.ts';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { configurationExample, GraphCaller, makeScopeTags, siteExample } from '../testing/graph.ts';
import { goodValues, tellState } from './health-testing.ts';
import { evaluateAllServers, evaluateServer } from './keep.ts';

const minute = 60_000;

describeOnEachEngine('the health of servers', (database) => {
  let context: TestContext;
  let application: FastifyInstance;
  let graph: GraphCaller;
  let site: string;
  let server: string;

  beforeEach(async () => {
    context = new TestContext(database());
    application = await testApplication(context, registerRoutes);
    await ensureHealthThresholds(context);
    graph = new GraphCaller(application);
    const { tables } = database();
    for (const table of ['servers', 'sites', 'health_thresholds', 'scope_tags'] as const)
      await tables.deleteFrom(table).execute();
    await ensureHealthThresholds(context);
    site = await makeSite('Tokyo', ['0']);
    server = await makeServer(site, 'gateway-1');
  });

  const makeSite = async (displayName: string, roleScopeTagIds: string[]): Promise<string> => {
    const configuration = await graph.post('microsoftTunnelConfigurations', configurationExample);
    const body = { ...siteExample(configuration.body.id), displayName, roleScopeTagIds };
    return (await graph.post('microsoftTunnelSites', body)).body.id;
  };
  const serversOf = (id: string) => `microsoftTunnelSites/${id}/microsoftTunnelServers`;
  const makeServer = async (siteId: string, displayName: string): Promise<string> =>
    (await graph.post(serversOf(siteId), { displayName })).body.id;
  const evaluate = () => evaluateAllServers(database(), context.now());
  const tell = (changes = {}, at = context.now()) => tellState(database(), server, at, changes);
  const healthOf = async (id = server) => (await graph.get(`/api/v1/servers/${id}/health`)).body;
  const graphStatus = async () =>
    (await graph.get(`${serversOf(site)}/${server}`)).body.tunnelServerHealthStatus;
  const changes = () =>
    database().tables.selectFrom('server_health_changes').selectAll().orderBy('id').execute();

  test('a server that has never checked in is unknown, with a remedy for each metric', async () => {
    await evaluate();
    const health = await healthOf();
    expect(health).toMatchObject({
      status: 'unknown',
      reason: 'it has never checked in',
      lastCheckInDateTime: null,
    });
    expect(health.metrics).toHaveLength(17);
    for (const { remedy, status } of health.metrics)
      expect([status, typeof remedy]).toEqual(['unknown', 'string']);
    expect(await changes()).toEqual([]);
  });

  test.each([
    ['is still silent', 6 * minute, 'offline'],
    ['has just spoken', 0, 'healthy'],
  ])(
    'that %s when the periodic work and a check-in judge it at once: neither waits for ever, and it is right',
    async (_name, age, status) => {
      await tell();
      await evaluate();
      const ago = (milliseconds: number) => new Date(context.now().getTime() - milliseconds);
      await tell({}, ago(6 * minute));
      const { tables, engine } = database();
      let judged: Promise<void> | undefined;
      await tables.transaction().execute(async (checkIn) => {
        await checkIn
          .updateTable('servers')
          .set({ last_checkin_date_time: ago(age).toISOString() })
          .where('id', '=', server)
          .execute();
        judged = evaluate();
        if (engine === 'postgresql') await somebodyWaits();
        await tellState({ tables: checkIn }, server, ago(age));
        await evaluateServer(checkIn, server, context.now());
      });
      await judged;
      expect(await graphStatus()).toBe(status);
      const told = (await changes()).map((change) => change.to_status);
      expect(told).toEqual(status === 'healthy' ? ['healthy'] : ['healthy', 'offline']);
    },
  );
  /** Until a statement waits for a lock that another transaction has. */
  const somebodyWaits = () =>
    vi.waitFor(
      async () => {
        const waiting = await sql`select 1 from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`.execute(database().tables);
        expect(waiting.rows).toHaveLength(1);
      },
      { timeout: 10_000 },
    );

  test('follows what a server tells, in the answer and in Graph, and the version stays', async () => {
    const before = (await graph.get(`${serversOf(site)}/${server}`)).body['@odata.etag'];
    await tell();
    await evaluateServer(database().tables, server, context.now());
    expect(await healthOf()).toMatchObject({
      status: 'healthy',
      displayName: 'gateway-1',
      siteName: 'Tokyo',
      sessions: { connected: 10, away: 2, capacity: 5000 },
      versions: { agent: '1.0.0' },
    });
    const filtered = await graph.get(`${serversOf(site)}?$filter=tunnelServerHealthStatus eq 'healthy'`);
    expect(filtered.body.value.map(({ id }: { id: string }) => id)).toEqual([server]);
    expect((await graph.get(`${serversOf(site)}/${server}`)).body['@odata.etag']).toBe(before);
    expect(await changes()).toMatchObject([{ from_status: 'unknown', to_status: 'healthy' }]);
  });

  test('is unhealthy, then a warning after five minutes, and offline without contact', async () => {
    const bad = { values: { ...goodValues, diskFree: 1 } };
    await tell(bad);
    await evaluate();
    expect(await graphStatus()).toBe('unhealthy');
    const first = await healthOf();
    expect(first.reason).toBe('Free disk space: 1 GB');
    const disk = first.metrics.find(({ name }: { name: string }) => name === 'diskFree');
    expect(disk).toMatchObject({
      status: 'unhealthy',
      value: 1,
      unit: 'GB',
      remedy: expect.stringContaining('df -h'),
    });
    context.pass(5 * minute + 1000);
    await tell(bad);
    await evaluate();
    expect(await graphStatus()).toBe('warning');
    const later = await healthOf();
    expect(later.metrics.find(({ name }: { name: string }) => name === 'diskFree').since).toBe(disk.since);
    context.pass(5 * minute + 2000);
    expect((await healthOf()).status).toBe('offline');
    await evaluate();
    expect(await graphStatus()).toBe('offline');
    expect((await changes()).map(({ to_status }) => to_status)).toEqual(['unhealthy', 'warning', 'offline']);
  });

  test('writes nothing while only values change', async () => {
    await tell();
    await evaluate();
    const read = () => database().tables.selectFrom('server_health_states').selectAll().execute();
    const before = await read();
    context.pass(minute);
    await tell({ values: { ...goodValues, cpuUsage: 33, diskFree: 49 } });
    await evaluate();
    expect(await read()).toEqual(before);
    expect(await changes()).toHaveLength(1);
  });

  test('follows thresholds at once when they are changed, and when all are brought back', async () => {
    await tell();
    await evaluate();
    await graph.patch('microsoftTunnelHealthThresholds/memoryUsage', {
      healthyThreshold: 10,
      unhealthyThreshold: 90,
    });
    expect(await graphStatus()).toBe('warning');
    const { status, body } = await graph.post('/api/v1/healthThresholds/revertToDefaults');
    expect([status, body.value.length]).toEqual([200, 4]);
    expect(await graphStatus()).toBe('healthy');
  });

  describe('a configuration', () => {
    test('that failed makes the server unhealthy, with the reason of the server', async () => {
      await tell();
      const report = {
        server_id: server,
        revision: 'a'.repeat(16),
        status: 'failed' as const,
        reason: 'listenPort: another program has port 443',
        offered_at: context.now().toISOString(),
        reported_at: context.now().toISOString(),
      };
      await database().tables.insertInto('configuration_reports').values(report).execute();
      const { metrics, status } = await healthOf();
      expect(status).toBe('unhealthy');
      const metric = metrics.find(({ name }: { name: string }) => name === 'configurationApplied');
      expect(metric.reason).toContain('another program has port 443');
    });
  });

  test('a failed upgrade is told until it was seen, by who may change the server', async () => {
    const acknowledge = () => graph.post(`/api/v1/servers/${server}/health/acknowledgeUpgrade`);
    await tell();
    await evaluate();
    expect((await acknowledge()).status).toBe(409);
    const failed = {
      upgrade_state: 'failed',
      upgrade_reason: 'it did not start',
      upgrade_at: context.now().toISOString(),
    };
    await tell(failed);
    await evaluate();
    expect(await healthOf()).toMatchObject({
      status: 'upgradeFailed',
      reason: expect.stringContaining('it did not start'),
    });
    expect((await acknowledge()).body.status).toBe('healthy');
    expect(await graphStatus()).toBe('healthy');
    const audit = await graph.get(
      "/api/v1/auditEntries?$filter=endswith(action,'acknowledgeUpgrade')&$orderby=dateTime desc",
    );
    expect(audit.body.value[0]).toMatchObject({ objectId: server, outcome: 'success' });
    await tell({ ...failed, upgrade_at: context.now().toISOString() });
    expect((await healthOf()).status).toBe('upgradeFailed');
  });

  test('the list has every server in scope with counts, by site and by status', async () => {
    await makeScopeTags(database(), '1');
    const osaka = await makeSite('Osaka', ['1']);
    const other = await makeServer(osaka, 'gateway-2');
    await tell();
    const idsOf = ({ body }: { body: { value: { id: string }[] } }) => body.value.map(({ id }) => id);
    const whole = await graph.get('/api/v1/health');
    expect(idsOf(whole)).toEqual([other, server]);
    expect(whole.body.counts).toEqual({ healthy: 1, unknown: 1 });
    expect(idsOf(await graph.get('/api/v1/health?status=healthy'))).toEqual([server]);
    expect(idsOf(await graph.get(`/api/v1/health?siteId=${osaka}`))).toEqual([other]);
    expect((await graph.get('/api/v1/health?status=fine')).status).toBe(400);
    const read = 'Microsoft.Intune_MicrosoftTunnelGateway_Read';
    context.letIn('osaka', { permissions: new Set([read]), scopeTagIds: new Set(['1']) });
    const osakaOnly = new GraphCaller(application, 'osaka');
    const seen = await osakaOnly.get('/api/v1/health');
    expect([idsOf(seen), seen.body.counts]).toEqual([[other], { unknown: 1 }]);
    expect((await osakaOnly.get(`/api/v1/servers/${server}/health`)).status).toBe(404);
    expect((await osakaOnly.get(`/api/v1/servers/${other}/health`)).status).toBe(200);
  });
});
