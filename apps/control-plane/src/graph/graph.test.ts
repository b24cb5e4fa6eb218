import type { FastifyInstance } from 'fastify';
import { beforeAll, expect, test } from 'vitest';
import { tellState } from '../health-status/health-testing.ts';
import { ensureHealthThresholds } from '../health-thresholds/routes.ts';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { configurationExample, GraphCaller, siteExample } from '../testing/graph.ts';

describeOnEachEngine('the Graph-shaped API', (database) => {
  let context: TestContext;
  let application: FastifyInstance;
  let graph: GraphCaller;

  beforeAll(async () => {
    context = new TestContext(database());
    application = await testApplication(context, registerRoutes);
    await ensureHealthThresholds(context);
    graph = new GraphCaller(application);
  });

  const makeConfiguration = async (changes = {}) =>
    (await graph.post('microsoftTunnelConfigurations', { ...configurationExample, ...changes })).body
      .id as string;
  const makeSite = async (changes = {}) =>
    (await graph.post('microsoftTunnelSites', { ...siteExample(await makeConfiguration()), ...changes })).body
      .id as string;

  test('creates, reads, changes and deletes a configuration', async () => {
    const created = await graph.post('microsoftTunnelConfigurations', configurationExample);
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({
      ...configurationExample,
      listenPort: 443,
      splitDNS: [],
      disableUdpConnections: false,
      ipv6Network: null,
      roleScopeTagIds: ['0'],
    });
    const path = `microsoftTunnelConfigurations/${created.body.id}`;
    expect(created.headers.location).toMatch(new RegExp(`${path}$`));
    const read = await graph.get(path);
    expect(read.body).toMatchObject({
      id: created.body.id,
      lastUpdateDateTime: expect.stringMatching(/^\d{4}-/),
    });
    const changed = await graph.patch(path, { ipv6Network: 'fd70::/112', listenPort: 8443 });
    expect(changed.body).toMatchObject({
      displayName: 'Headquarters',
      ipv6Network: 'fd70::/112',
      listenPort: 8443,
    });
    const reset = await graph.patch(path, { ipv6Network: null, listenPort: null });
    expect(reset.body).toMatchObject({ ipv6Network: null, listenPort: 443 });
    expect((await graph.delete(path)).status).toBe(204);
    expect((await graph.get(path)).status).toBe(404);
  });

  test('takes an object back as it was read', async () => {
    const id = await makeConfiguration({ routesInclude: ['10.61.0.0/24'], routeIncludes: undefined });
    const read = await graph.get(`microsoftTunnelConfigurations/${id}`);
    expect(read.body).toMatchObject({ routeIncludes: ['10.61.0.0/24'], routesInclude: ['10.61.0.0/24'] });
    const again = await graph.patch(`microsoftTunnelConfigurations/${id}`, {
      ...read.body,
      displayName: 'Other',
    });
    expect([again.status, again.body.displayName]).toEqual([200, 'Other']);
  });

  test('tells every mistake at once, those of references too', async () => {
    const { status, body } = await graph.post('microsoftTunnelSites', {
      publicAddress: 'localhost',
      colour: 'blue',
      upgradeWindowStartTime: '22:00:00',
      upgradeWindowEndTime: '22:30:00',
      microsoftTunnelConfiguration: { id: 'none' },
    });
    expect(status).toBe(400);
    const targets = body.error.details.map(({ target }: { target: string }) => target);
    expect(targets.sort()).toEqual(
      [
        'colour',
        'displayName',
        'microsoftTunnelConfiguration',
        'publicAddress',
        'upgradeWindowEndTime',
        'upgradeWindowTimeZone',
      ].sort(),
    );
  });

  test('gives doubts beside the object', async () => {
    const { status, body } = await graph.post('microsoftTunnelConfigurations', {
      ...configurationExample,
      network: '172.17.0.0/16',
      dnsServers: ['10.99.0.1'],
      defaultDomainSuffix: 'corp.local',
    });
    expect(status).toBe(201);
    const targets = body['@culvert.warnings'].map(({ target }: { target: string }) => target);
    expect(targets).toEqual(expect.arrayContaining(['network', 'dnsServers[0]', 'defaultDomainSuffix']));
  });

  test('refuses a change of a version that somebody has changed in between', async () => {
    const path = `microsoftTunnelConfigurations/${await makeConfiguration()}`;
    const etag = (await graph.get(path)).body['@odata.etag'];
    const results = await Promise.all([
      graph.patch(path, { displayName: 'one' }, etag),
      graph.patch(path, { displayName: 'two' }, etag),
    ]);
    expect(results.map(({ status }) => status).sort()).toEqual([200, 412]);
    expect((await graph.delete(path, etag)).body.error.message).toContain('read it again');
    expect((await graph.delete(path, '*')).status).toBe(204);
  });

  test('does not delete a configuration in use or a site with servers, and names what uses them', async () => {
    const configuration = await makeConfiguration();
    const site = (await graph.post('microsoftTunnelSites', siteExample(configuration))).body.id;
    const server = await graph.post(`microsoftTunnelSites/${site}/microsoftTunnelServers`, {
      displayName: 'gw-1',
    });
    const inUse = await graph.delete(`microsoftTunnelConfigurations/${configuration}`);
    expect([inUse.status, inUse.body.error.details]).toMatchObject([
      409,
      [{ target: `microsoftTunnelSites/${site}`, message: 'Tokyo' }],
    ]);
    const full = await graph.delete(`microsoftTunnelSites/${site}`);
    expect([full.status, full.body.error.details]).toMatchObject([409, [{ message: 'gw-1' }]]);
    expect(
      (await graph.delete(`microsoftTunnelSites/${site}/microsoftTunnelServers/${server.body.id}`)).status,
    ).toBe(204);
    expect((await graph.delete(`microsoftTunnelSites/${site}`)).status).toBe(204);
    expect((await graph.delete(`microsoftTunnelConfigurations/${configuration}`)).status).toBe(204);
  });

  test('gives a site another configuration by reference, and shows related objects', async () => {
    const site = await makeSite();
    const other = await makeConfiguration({ displayName: 'Branch' });
    const path = `microsoftTunnelSites/${site}`;
    const reference = {
      '@odata.id': `https://graph.test/beta/deviceManagement/microsoftTunnelConfigurations('${other}')`,
    };
    expect((await graph.put(`${path}/microsoftTunnelConfiguration/$ref`, reference)).status).toBe(204);
    expect((await graph.get(`${path}/microsoftTunnelConfiguration`)).body.displayName).toBe('Branch');
    await graph.post(`${path}/microsoftTunnelServers`, { displayName: 'gw-1' });
    const { body } = await graph.get(
      `${path}?$expand=microsoftTunnelConfiguration,microsoftTunnelServers&$select=displayName`,
    );
    expect(body).toMatchObject({
      displayName: 'Tokyo',
      microsoftTunnelConfiguration: { id: other },
      microsoftTunnelServers: [{ displayName: 'gw-1' }],
    });
    expect(body.publicAddress).toBeUndefined();
    const wrong = await graph.put(`${path}/microsoftTunnelConfiguration/$ref`, { '@odata.id': 'nowhere' });
    expect([wrong.status, wrong.body.error.details[0].target]).toEqual([400, '@odata.id']);
  });

  test('pages through a list whose links carry the same conditions', async () => {
    for (const number of [1, 2, 3, 4, 5]) await makeConfiguration({ displayName: `Page ${number}` });
    const names: string[] = [];
    let link: string | undefined =
      `microsoftTunnelConfigurations?$filter=startswith(displayName,'page ')&$orderby=displayName desc&$top=2&$count=true`;
    while (link !== undefined) {
      const {
        body,
      }: { body: { value: { displayName: string }[]; '@odata.nextLink'?: string; '@odata.count': number } } =
        await graph.get(link);
      expect(body['@odata.count']).toBe(5);
      names.push(...body.value.map(({ displayName }) => displayName));
      link = body['@odata.nextLink']?.replace(context.configuration.publicUrl, '');
    }
    expect(names).toEqual(['Page 5', 'Page 4', 'Page 3', 'Page 2', 'Page 1']);
  });

  test('shows and touches nothing outside of the scope of a caller', async () => {
    const all = ['Read', 'Create', 'Update', 'Delete'].map(
      (action) => `Microsoft.Intune_MicrosoftTunnelGateway_${action}` as never,
    );
    context.letIn('branch', { permissions: new Set(all), scopeTagIds: new Set(['7']) });
    await database()
      .tables.insertInto('scope_tags')
      .values({ id: '7', version: 1, display_name: 'Seven', description: '', is_built_in: 0 })
      .execute();
    const branch = new GraphCaller(application, 'branch');
    const hidden = await makeSite({ displayName: 'Hidden' });
    const configuration = await makeConfiguration({ displayName: 'Seven', roleScopeTagIds: ['7', '0'] });
    const own = await graph.post('microsoftTunnelSites', {
      ...siteExample(configuration),
      displayName: 'Own',
      roleScopeTagIds: ['7'],
    });
    const list = await branch.get('microsoftTunnelSites?$count=true&$expand=microsoftTunnelConfiguration');
    expect(list.body).toMatchObject({
      '@odata.count': 1,
      value: [{ id: own.body.id, microsoftTunnelConfiguration: { id: configuration } }],
    });
    for (const path of [
      `microsoftTunnelSites/${hidden}`,
      `microsoftTunnelSites/${hidden}/microsoftTunnelServers`,
    ]) {
      expect((await branch.get(path)).status).toBe(404);
    }
    expect((await branch.patch(`microsoftTunnelSites/${hidden}`, { displayName: 'x' })).status).toBe(404);
    const pushed = await branch.patch(`microsoftTunnelSites/${own.body.id}`, { roleScopeTagIds: ['0'] });
    expect([pushed.status, pushed.body.error.details[0].target]).toEqual([403, 'roleScopeTagIds']);
    expect((await branch.post('microsoftTunnelConfigurations', configurationExample)).status).toBe(403);
  });

  test('keeps thresholds within their rules and brings defaults back', async () => {
    const path = 'microsoftTunnelHealthThresholds/diskFree';
    expect((await graph.get('microsoftTunnelHealthThresholds')).body.value).toHaveLength(4);
    expect((await graph.patch(path, { healthyThreshold: 20 })).body).toMatchObject({
      healthyThreshold: 20,
      defaultHealthyThreshold: 5,
    });
    const wrong = await graph.patch(path, { unhealthyThreshold: 30 });
    expect([wrong.status, wrong.body.error.details[0].message]).toEqual([
      400,
      'found 30; must be at most healthyThreshold (20 gigabytes)',
    ]);
    expect((await graph.post(`${path}/revertToDefault`)).body).toMatchObject({
      healthyThreshold: 5,
      unhealthyThreshold: 3,
    });
  });

  test('answers the actions of servers and of log collections', async () => {
    const site = await makeSite();
    expect((await graph.post(`microsoftTunnelSites/${site}/requestUpgrade`)).status).toBe(204);
    const servers = `microsoftTunnelSites/${site}/microsoftTunnelServers`;
    const { id } = (await graph.post(servers, { displayName: 'gw-1' })).body;
    const sample = { server_id: id, resolution: 'minute' } as const;
    await database()
      .tables.insertInto('server_health_samples')
      .values([
        { ...sample, at: '2026-11-24T09:00:00.000Z', metric_values: '{"cpuUsage":10}' },
        { ...sample, at: '2026-11-24T09:01:00.000Z', metric_values: '{"cpuUsage":20.4}' },
      ])
      .execute();
    await tellState(database(), id, context.now(), { values: { cpuUsage: 20.4 } });
    const latest = await graph.post(`${servers}/${id}/getHealthMetrics`, {
      metricNames: ['cpuUsage', 'latency'],
    });
    expect(latest.body.value).toEqual([{ name: 'cpuUsage', value: 20 }]);
    const span = { startDateTime: '2026-11-24T08:00:00Z', endDateTime: '2026-11-24T10:30:00+01:00' };
    const series = await graph.post(`${servers}/${id}/getHealthMetricTimeSeries`, {
      metricName: 'cpuUsage',
      ...span,
    });
    expect(series.body.value).toHaveLength(2);
    const unknown = await graph.post(`${servers}/${id}/getHealthMetrics`, { metricNames: ['cpu'] });
    expect([unknown.status, unknown.body.error.details[0].message]).toEqual([
      400,
      expect.stringContaining('"cpuUsage"'),
    ]);
    const logs = await graph.post(`${servers}/${id}/createServerLogCollectionRequest`, span);
    expect(logs.body.value).toMatchObject({ status: 'pending', serverId: id });
    const early = await graph.post(
      `microsoftTunnelServerLogCollectionResponses/${logs.body.value.id}/generateDownloadUrl`,
    );
    expect([early.status, early.body.error.message]).toEqual([409, 'the server has not sent its logs yet']);
  });

  test('writes every change into the audit log, with before and after', async () => {
    const id = await makeConfiguration();
    await graph.patch(`microsoftTunnelConfigurations/${id}`, { listenPort: 1443 });
    await graph.delete(`microsoftTunnelConfigurations/${id}`);
    const entries = await database()
      .tables.selectFrom('audit_entries')
      .selectAll()
      .where('object_id', '=', id)
      .orderBy('id')
      .execute();
    expect(entries.map(({ action, actor_name }) => [action, actor_name])).toEqual([
      ['microsoftTunnelConfiguration.create', 'administrator'],
      ['microsoftTunnelConfiguration.update', 'administrator'],
      ['microsoftTunnelConfiguration.delete', 'administrator'],
    ]);
    expect(JSON.parse(entries[1]?.before ?? '{}').listenPort).toBe(443);
    expect(JSON.parse(entries[1]?.after ?? '{}').listenPort).toBe(1443);
  });

  test.each([
    ['a body that is a list', [], 400],
    ['a body with __proto__', '{"displayName":"x","__proto__":{"a":1}}', 400],
    ['a body with a NUL character', '{"displayName":"a\\u0000b"}', 400],
    ['a body that nests deep', '['.repeat(100_000), 400],
    ['a body that is no JSON', '{"displayName":', 400],
    ['a body that is too large', `{"description":"${'x'.repeat(300_000)}"}`, 413],
    ['a body of another type', '{"@odata.type":"#microsoft.graph.microsoftTunnelSite"}', 400],
    ['a body without anything', '', 400],
  ])('refuses %s', async (_name, payload, status) => {
    const response = await application.inject({
      method: 'POST',
      url: '/graph/beta/deviceManagement/microsoftTunnelConfigurations',
      headers: { authorization: 'Bearer administrator', 'content-type': 'application/json' },
      payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
    });
    expect([response.statusCode, typeof response.json().error.message]).toEqual([status, 'string']);
  });

  test.each([
    "$filter=displayName eq 'x'' or 1 eq 1",
    '$filter=%00',
    '$top=1;drop table sites',
    '$foo=1',
    '$skiptoken=x',
  ])('refuses the query %s', async (query) => {
    const { status } = await graph.get(`microsoftTunnelSites?${query}`);
    expect(status).toBe(400);
  });
});
