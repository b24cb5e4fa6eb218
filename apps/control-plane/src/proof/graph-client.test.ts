import { connect, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { Client, GraphError, PageIterator } from '@microsoft/microsoft-graph-client';
import type {
  KeyLongValuePair,
  MicrosoftTunnelConfiguration,
  MicrosoftTunnelHealthThreshold,
  MicrosoftTunnelServer,
  MicrosoftTunnelServerLogCollectionResponse,
  MicrosoftTunnelSite,
  RoleScopeTag,
} from '@microsoft/microsoft-graph-types-beta';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tellState } from '../health-status/health-testing.ts';
import { errorSchema } from '../http/errors.ts';
import { type RunningTest, startControlPlane } from '../testing/running.ts';

/** What Graph puts around an object. */
type Annotated<Type> = Type & { '@odata.etag': string; '@odata.context': string; id: string };

const configurations = '/deviceManagement/microsoftTunnelConfigurations';
const sites = '/deviceManagement/microsoftTunnelSites';
const thresholds = '/deviceManagement/microsoftTunnelHealthThresholds';
const collections = '/deviceManagement/microsoftTunnelServerLogCollectionResponses';
const trusted = getCACertificates('default');

describe("the client of Microsoft's Graph", () => {
  let running: RunningTest;
  let graph: Client;

  const clientOf = (token: string) =>
    Client.init({
      baseUrl: `${running.url}/graph/`,
      defaultVersion: 'beta',
      // Otherwise the client sends its token to Microsoft only.
      customHosts: new Set(['localhost']),
      authProvider: (done) => done(null, token),
    });

  beforeAll(async () => {
    running = await startControlPlane();
    setDefaultCACertificates([...trusted, running.authority]);
    graph = clientOf(await running.token('administrator'));
  });

  afterAll(async () => {
    setDefaultCACertificates(trusted);
    await running.stop();
  });

  const makeConfiguration = (
    displayName = 'Headquarters',
  ): Promise<Annotated<MicrosoftTunnelConfiguration>> =>
    graph.api(configurations).post({
      displayName,
      network: '10.70.0.0/16',
      dnsServers: ['10.60.0.53'],
      routeIncludes: ['10.60.0.0/16'],
      advancedSettings: [{ name: 'idle-timeout', value: '600' }],
    } satisfies MicrosoftTunnelConfiguration);
  const makeSite = async (further: MicrosoftTunnelSite = {}): Promise<Annotated<MicrosoftTunnelSite>> => {
    const { id } = await makeConfiguration();
    return graph.api(sites).post({
      displayName: 'Tokyo',
      publicAddress: 'vpn.example.com',
      microsoftTunnelConfiguration: { id },
      ...further,
    } satisfies MicrosoftTunnelSite);
  };
  const makeServer = (site: string, displayName: string): Promise<Annotated<MicrosoftTunnelServer>> =>
    graph
      .api(`${sites}/${site}/microsoftTunnelServers`)
      .post({ displayName } satisfies MicrosoftTunnelServer);
  const failure = async (work: Promise<unknown>): Promise<GraphError> => {
    const error = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error instanceof GraphError) return error;
    throw new Error(`expected a GraphError, not ${error}`);
  };

  test('creates, reads, changes and deletes a configuration', async () => {
    const made = await makeConfiguration();
    expect(made).toMatchObject({
      '@odata.context': `${running.url}/graph/beta/$metadata#deviceManagement/microsoftTunnelConfigurations/$entity`,
      listenPort: 443,
      disableUdpConnections: false,
      routesInclude: ['10.60.0.0/16'],
      advancedSettings: [{ name: 'idle-timeout', value: '600' }],
      lastUpdateDateTime: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/),
    });
    const path = `${configurations}/${made.id}`;
    const read: Annotated<MicrosoftTunnelConfiguration> = await graph.api(path).get();
    expect(read).toEqual(made);
    const change: MicrosoftTunnelConfiguration = { ...read, listenPort: 8443 };
    const changed = await graph.api(path).patch(change);
    expect([changed.listenPort, changed['@odata.etag'] === read['@odata.etag']]).toEqual([8443, false]);
    expect(await graph.api(path).delete()).toBeUndefined();
    expect(await failure(graph.api(path).get())).toMatchObject({ statusCode: 404, code: 'ResourceNotFound' });
  });

  test('creates a site with its configuration inside, and times of day as Graph writes them', async () => {
    const site = await makeSite({
      upgradeWindowStartTime: '22:00:00',
      upgradeWindowEndTime: '02:30:00.5',
      upgradeWindowUtcOffsetInMinutes: 540,
      roleScopeTagIds: ['0'],
    });
    expect(site).toMatchObject({
      upgradeWindowStartTime: '22:00:00.0000000',
      upgradeWindowEndTime: '02:30:00.5000000',
      upgradeWindowUtcOffsetInMinutes: 540,
      upgradeAutomatically: true,
      upgradeAvailable: false,
      internalNetworkProbeUrl: null,
    });
    const read: Annotated<MicrosoftTunnelSite> = await graph.api(`${sites}/${site.id}`).get();
    const changed = await graph.api(`${sites}/${site.id}`).patch({ ...read, displayName: 'Osaka' });
    expect(changed.displayName).toBe('Osaka');
    expect(await graph.api(`${sites}/${site.id}/requestUpgrade`).post({})).toBeUndefined();
    expect(await graph.api(`${sites}/${site.id}`).delete()).toBeUndefined();
  });

  test('refers to a configuration by its address, when a site is made and later', async () => {
    const first = await makeConfiguration('First');
    const second = await makeConfiguration('Second');
    const address = (id: string) => `${running.url}/graph/beta${configurations}/${id}`;
    const site = await graph.api(sites).post({
      displayName: 'Bound',
      publicAddress: 'vpn.example.com',
      'microsoftTunnelConfiguration@odata.bind': address(first.id),
    });
    const path = `${sites}/${site.id}/microsoftTunnelConfiguration`;
    expect((await graph.api(path).get()).displayName).toBe('First');
    expect(await graph.api(`${path}/$ref`).put({ '@odata.id': address(second.id) })).toBeUndefined();
    expect((await graph.api(path).get()).displayName).toBe('Second');
    const refused = await failure(graph.api(`${path}/$ref`).delete());
    expect([refused.statusCode, refused.message]).toEqual([
      405,
      expect.stringContaining('needs a configuration'),
    ]);
  });

  test('keeps servers of a site, with the members of their enums', async () => {
    const site = await makeSite();
    const server = await makeServer(site.id, 'gateway-1');
    expect(server).toMatchObject({
      displayName: 'gateway-1',
      tunnelServerHealthStatus: 'unknown',
      deploymentMode: 'standaloneRootful',
      agentImageDigest: null,
    });
    // It has never checked in, and Graph's type knows no null for that.
    expect(server.lastCheckinDateTime).toBeUndefined();
    const path = `${sites}/${site.id}/microsoftTunnelServers/${server.id}`;
    const changed = await graph.api(path).patch({ ...server, displayName: 'gateway-one' });
    expect(changed.displayName).toBe('gateway-one');
    const wrong = await failure(graph.api(path).patch({ deploymentMode: 'PodRootful' }));
    expect([wrong.statusCode, JSON.parse(wrong.body).details[0].target]).toEqual([400, 'deploymentMode']);
    expect(await graph.api(path).delete()).toBeUndefined();
  });

  test('reads the health of a server by its actions', async () => {
    const site = await makeSite();
    const { id } = await makeServer(site.id, 'gateway-2');
    const { database } = running.controlPlane.context;
    const at = new Date();
    const values = { cpuUsage: 12 };
    await tellState(database, id, at, { values });
    const sample = { server_id: id, resolution: 'minute', at: at.toISOString() } as const;
    await database.tables
      .insertInto('server_health_samples')
      .values({ ...sample, metric_values: JSON.stringify(values) })
      .execute();
    const path = `${sites}/${site.id}/microsoftTunnelServers/${id}`;
    const latest: { value: KeyLongValuePair[] } = await graph
      .api(`${path}/getHealthMetrics`)
      .post({ metricNames: ['cpuUsage'] });
    expect(latest.value).toEqual([{ name: 'cpuUsage', value: 12 }]);
    const series = await graph.api(`${path}/getHealthMetricTimeSeries`).post({
      metricName: 'cpuUsage',
      startDateTime: new Date(at.getTime() - 60_000).toISOString(),
      endDateTime: new Date(at.getTime() + 60_000).toISOString(),
    });
    expect(series.value).toEqual([{ dateTime: sample.at, value: 12 }]);
  });

  test('asks a server for its logs and reads what came of it', async () => {
    const site = await makeSite();
    const { id } = await makeServer(site.id, 'gateway-3');
    const span = { startDateTime: '2026-11-24T08:00:00Z', endDateTime: '2026-11-24T09:00:00Z' };
    const path = `${sites}/${site.id}/microsoftTunnelServers/${id}`;
    for (const action of ['createServerLogCollectionRequest', 'generateServerLogCollectionRequest']) {
      const { value }: { value: MicrosoftTunnelServerLogCollectionResponse } = await graph
        .api(`${path}/${action}`)
        .post(span);
      expect(value).toMatchObject({
        status: 'pending',
        serverId: id,
        startDateTime: '2026-11-24T08:00:00.000Z',
      });
      const read: MicrosoftTunnelServerLogCollectionResponse = await graph
        .api(`${collections}/${value.id}`)
        .get();
      expect(read.sizeInBytes).toBeUndefined();
      for (const download of ['createDownloadUrl', 'generateDownloadUrl']) {
        const early = await failure(graph.api(`${collections}/${value.id}/${download}`).post({}));
        expect([early.statusCode, early.code]).toEqual([409, 'Conflict']);
      }
      expect(await graph.api(`${collections}/${value.id}`).delete()).toBeUndefined();
    }
    expect((await failure(graph.api(collections).post(span))).statusCode).toBe(405);
  });

  test('changes health thresholds; a 405 says why none can be made or deleted', async () => {
    const list: { value: MicrosoftTunnelHealthThreshold[] } = await graph.api(thresholds).get();
    expect(list.value.map(({ id }) => id).sort()).toEqual(['cpuUsage', 'diskFree', 'latency', 'memoryUsage']);
    const changed = await graph
      .api(`${thresholds}/cpuUsage`)
      .patch({ healthyThreshold: 50, unhealthyThreshold: 75 });
    expect(changed).toMatchObject({ healthyThreshold: 50, defaultHealthyThreshold: 95 });
    const reverted = await graph.api(`${thresholds}/cpuUsage/revertToDefault`).post({});
    expect(reverted.healthyThreshold).toBe(95);
    const made = await failure(graph.api(thresholds).post({ id: 'temperature' }));
    expect([made.statusCode, made.code, made.message]).toEqual([
      405,
      'MethodNotAllowed',
      expect.stringContaining('no others can be made'),
    ]);
    const deleted = await failure(graph.api(`${thresholds}/cpuUsage`).delete());
    expect([deleted.statusCode, deleted.message]).toEqual([405, expect.stringContaining('revertToDefault')]);
  });

  test('keeps scope tags', async () => {
    const path = '/deviceManagement/roleScopeTags';
    const made: Annotated<RoleScopeTag> = await graph
      .api(path)
      .post({ displayName: 'Asia' } satisfies RoleScopeTag);
    expect(made).toMatchObject({ displayName: 'Asia', isBuiltIn: false, id: expect.stringMatching(/^\d+$/) });
    expect(await graph.api(`${path}/${made.id}`).delete()).toBeUndefined();
  });

  test('selects, filters, orders, counts, skips and expands', async () => {
    const site = await makeSite({ displayName: "Query's site" });
    for (const name of ['b', 'c', 'a']) await makeServer(site.id, `gateway-${name}`);
    const servers = `${sites}/${site.id}/microsoftTunnelServers`;
    const page = await graph
      .api(servers)
      .filter("startswith(displayName,'gateway-') and tunnelServerHealthStatus eq 'unknown'")
      .orderby('displayName desc')
      .select(['displayName', 'tunnelServerHealthStatus'])
      .count(true)
      .skip(1)
      .top(1)
      .get();
    expect(page['@odata.count']).toBe(3);
    expect(page.value).toEqual([
      {
        '@odata.etag': expect.stringMatching(/^W\/".+"$/),
        id: expect.any(String),
        displayName: 'gateway-b',
        tunnelServerHealthStatus: 'unknown',
      },
    ]);
    const expanded = await graph
      .api(sites)
      .filter("displayName eq 'Query''s site'")
      .expand('microsoftTunnelConfiguration,microsoftTunnelServers')
      .get();
    expect(expanded.value).toMatchObject([
      {
        microsoftTunnelConfiguration: { displayName: 'Headquarters' },
        microsoftTunnelServers: { length: 3 },
      },
    ]);
  });

  test('walks through all pages by their links, and by a token of its own', async () => {
    const site = await makeSite();
    const servers = `${sites}/${site.id}/microsoftTunnelServers`;
    for (let number = 0; number < 7; number += 1) await makeServer(site.id, `page-${number}`);
    const first = await graph.api(servers).orderby('displayName').top(3).get();
    const seen: string[] = [];
    const iterator = new PageIterator(graph, first, (server: MicrosoftTunnelServer) => {
      seen.push(String(server.displayName));
      return true;
    });
    await iterator.iterate();
    expect([seen, iterator.isComplete()]).toEqual([
      [0, 1, 2, 3, 4, 5, 6].map((number) => `page-${number}`),
      true,
    ]);
    const token = new URL(first['@odata.nextLink']).searchParams.get('$skiptoken') ?? '';
    const second = await graph.api(servers).orderby('displayName').top(3).skipToken(token).get();
    expect(second.value.map(({ displayName }: MicrosoftTunnelServer) => displayName)).toEqual(
      seen.slice(3, 6),
    );
  });

  test('does not overwrite what somebody has changed in between', async () => {
    const made = await makeConfiguration();
    const path = `${configurations}/${made.id}`;
    const withTag = (tag: string) => graph.api(path).header('If-Match', tag);
    await withTag(made['@odata.etag']).patch({ displayName: 'Mine' });
    const late = await failure(withTag(made['@odata.etag']).patch({ displayName: 'Yours' }));
    expect([late.statusCode, late.code]).toEqual([412, 'PreconditionFailed']);
    expect((await failure(withTag(made['@odata.etag']).delete())).statusCode).toBe(412);
    await withTag('*').delete();
  });

  test('gets errors that it understands', async () => {
    const wrong = await failure(graph.api(configurations).post({ network: '10.0.0.1/8', listenPort: 0 }));
    expect(wrong).toMatchObject({
      statusCode: 400,
      code: 'BadRequest',
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(Math.abs(wrong.date.getTime() - Date.now())).toBeLessThan(60_000);
    const targets = JSON.parse(wrong.body).details.map(({ target }: { target: string }) => target);
    expect(targets.sort()).toEqual(['displayName', 'listenPort', 'network']);
    const stranger = await failure(clientOf('nobody').api(sites).get());
    expect([stranger.statusCode, stranger.code]).toEqual([401, 'InvalidAuthenticationToken']);
    const reader = clientOf(await running.token('readOnlyOperator'));
    const forbidden = await failure(reader.api(configurations).post({}));
    expect([forbidden.statusCode, forbidden.code, forbidden.message]).toEqual([
      403,
      'Forbidden',
      expect.stringContaining('"Microsoft Tunnel Gateway / Create"'),
    ]);
    expect((await failure(graph.api('/deviceManagement/microsoftTunnelServers').get())).statusCode).toBe(404);
    const option = await failure(graph.api(sites).search('tokyo').get());
    expect([option.statusCode, option.message]).toEqual([400, expect.stringContaining('unknown option')]);
  });

  test('answers preferences that it does not follow as if they were not there (RFC 7240)', async () => {
    const page = await graph
      .api(sites)
      .header('Prefer', 'odata.maxpagesize=1, include-unknown-enum-members')
      .get();
    expect(page['@odata.context']).toBe(
      `${running.url}/graph/beta/$metadata#deviceManagement/microsoftTunnelSites`,
    );
  });

  test.each([
    ['no HTTP at all', 'hello\r\n\r\n', 400],
    ['headers of 100 kB', `GET /livez HTTP/1.1\r\nhost: localhost\r\nx: ${'a'.repeat(100_000)}\r\n\r\n`, 431],
    ['two lengths', 'POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\na', 400],
  ])('a connection with %s gets an error as well', async (_name, text, status) => {
    const socket = connect({
      port: running.port,
      host: '127.0.0.1',
      servername: 'localhost',
      ca: running.authority,
    });
    socket.on('error', () => {});
    socket.write(text);
    const answer = await new Promise<string>((resolve) => {
      let received = '';
      socket.on('data', (piece) => {
        received += piece.toString();
      });
      socket.on('close', () => resolve(received));
    });
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(errorSchema.parse(JSON.parse(body)).error.innerError['request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});
