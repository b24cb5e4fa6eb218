import { beforeAll, describe, expect, test } from 'vitest';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { configurationExample, GraphCaller, siteExample } from '../testing/graph.ts';

interface Told {
  target: string;
  message: string;
}

const routes = (count: number) =>
  Array.from({ length: count }, (_, index) => `10.${64 + (index >> 8)}.${index & 255}.0/24`);

/** What must not be, the field that the refusal names, and the remedy that it tells. */
const configurationMistakes: [string, Record<string, unknown>, string, string][] = [
  ['no name', { displayName: null }, 'displayName', 'missing'],
  ['an empty name', { displayName: '' }, 'displayName', 'at least 1 character'],
  ['no pool', { network: null }, 'network', 'missing'],
  ['a pool with host bits', { network: '10.70.0.1/16' }, 'network', '10.70.0.0/16'],
  ['a pool of IPv6 for IPv4', { network: 'fd70::/112' }, 'network', 'IPv4'],
  ['a pool without prefix length', { network: '10.70.0.0' }, 'network', '10.70.0.0/'],
  ['an IPv6 pool with host bits', { ipv6Network: 'fd70::1/112' }, 'ipv6Network', 'fd70::/112'],
  ['port 0', { listenPort: 0 }, 'listenPort', 'at least 1'],
  ['port 65536', { listenPort: 65_536 }, 'listenPort', 'at most 65535'],
  ['a port that is a text', { listenPort: '443' }, 'listenPort', 'expected'],
  ['a DNS server that is a name', { dnsServers: ['dns.corp.example'] }, 'dnsServers[0]', 'address'],
  [
    'an include route with host bits',
    { routeIncludes: ['10.60.0.1/24'] },
    'routeIncludes[0]',
    '10.60.0.0/24',
  ],
  [
    'an include route of everything',
    { routeIncludes: ['0.0.0.0/0'] },
    'routeIncludes[0]',
    'leave routeIncludes empty',
  ],
  ['an exclude route of 0.0.0.0/8', { routeExcludes: ['0.0.0.0/8'] }, 'routeExcludes[0]', '0.0.0.0'],
  ['a route twice', { routeIncludes: ['10.1.0.0/16', '10.1.0.0/16'] }, 'routeIncludes[1]', 'listed twice'],
  [
    '501 routes in all',
    { routeIncludes: routes(300), routeExcludes: routes(501).slice(300) },
    'routeIncludes',
    'at most 500',
  ],
  [
    'an advanced setting that nobody knows',
    { advancedSettings: [{ name: 'sesion-timeout', value: '60' }] },
    'advancedSettings[0].name',
    'session-timeout',
  ],
  [
    'a session timeout that is no number',
    { advancedSettings: [{ name: 'session-timeout', value: 'soon' }] },
    'advancedSettings[0].value',
    'whole number from 60',
  ],
];

const configurationDoubts: [string, Record<string, unknown>, string, string][] = [
  ["Docker's bridge in the pool", { network: '172.17.0.0/16' }, 'network', 'Docker'],
  ["Podman's bridge in the pool", { network: '10.88.0.0/16' }, 'network', 'Podman'],
  ['a DNS server in the pool', { dnsServers: ['10.70.0.53'] }, 'network', '10.70.0.53'],
  ['an include route over the pool', { routeIncludes: ['10.70.128.0/24'] }, 'network', '10.70.128.0/24'],
  [
    'a DNS server outside of the include routes',
    { dnsServers: ['10.61.0.53'] },
    'dnsServers[0]',
    '10.61.0.53/32',
  ],
  [
    'a suffix below a local top-level domain',
    { defaultDomainSuffix: 'corp.local' },
    'defaultDomainSuffix',
    '.local',
  ],
  ['a split domain below a local top-level domain', { splitDNS: ['office.lan'] }, 'splitDNS[0]', '.lan'],
];

const siteMistakes: [string, Record<string, unknown>, string, string][] = [
  ['no name', { displayName: null }, 'displayName', 'missing'],
  ['no public address', { publicAddress: null }, 'publicAddress', 'missing'],
  ['a public address without domain', { publicAddress: 'gateway' }, 'publicAddress', 'write the full name'],
  ['a public address of loopback', { publicAddress: '127.0.0.1' }, 'publicAddress', 'public side'],
  [
    'no configuration',
    { microsoftTunnelConfiguration: null },
    'microsoftTunnelConfiguration',
    'needs a configuration',
  ],
  [
    'a configuration that is not there',
    { microsoftTunnelConfiguration: { id: 'nothing' } },
    'microsoftTunnelConfiguration',
    'no such configuration',
  ],
  [
    'a window of 59 minutes',
    {
      upgradeWindowStartTime: '22:00:00',
      upgradeWindowEndTime: '22:59:00',
      upgradeWindowTimeZone: 'Asia/Tokyo',
    },
    'upgradeWindowEndTime',
    'at least 60 minutes',
  ],
  [
    'a window without time zone',
    { upgradeWindowStartTime: '22:00:00', upgradeWindowEndTime: '23:00:00' },
    'upgradeWindowTimeZone',
    'Asia/Tokyo',
  ],
  ['a probe URL that is none', { internalNetworkProbeUrl: 'intranet' }, 'internalNetworkProbeUrl', 'http'],
];

describeOnEachEngine('the rules of the objects', (database) => {
  let graph: GraphCaller;
  let configuration: string;
  beforeAll(async () => {
    graph = new GraphCaller(await testApplication(new TestContext(database()), registerRoutes));
    configuration = (await graph.post('microsoftTunnelConfigurations', configurationExample)).body.id;
  });

  const expectRefusal = (
    { status, body }: Awaited<ReturnType<GraphCaller['get']>>,
    field: string,
    remedy: string,
  ) => {
    expect(status).toBe(400);
    const told = (body.error.details as Told[]).filter(({ target }) => target === field);
    expect(told.map(({ message }) => message).join('\n')).toContain(remedy);
  };

  describe('a configuration', () => {
    test.each(configurationMistakes)('with %s is refused', async (_name, changes, field, remedy) => {
      const wrong = { ...configurationExample, ...changes };
      expectRefusal(await graph.post('microsoftTunnelConfigurations', wrong), field, remedy);
      const { status, body } = await graph.patch(`microsoftTunnelConfigurations/${configuration}`, changes);
      // Null takes a property away, which is a mistake only where the property has no default.
      expect([status, body.error?.code]).toEqual([400, 'BadRequest']);
    });

    test('with 500 routes in all is allowed', async () => {
      const { status } = await graph.post('microsoftTunnelConfigurations', {
        ...configurationExample,
        routeIncludes: ['10.60.0.0/24', ...routes(299)],
        routeExcludes: routes(499).slice(299),
      });
      expect(status).toBe(201);
    });

    test.each(configurationDoubts)('with %s is allowed and doubted', async (_name, changes, field, words) => {
      const { status, body } = await graph.post('microsoftTunnelConfigurations', {
        ...configurationExample,
        ...changes,
      });
      const doubts = (body['@culvert.warnings'] as Told[]).filter(({ target }) => target === field);
      expect([status, doubts.map(({ message }) => message).join('\n')]).toEqual([
        201,
        expect.stringContaining(words),
      ]);
      const read = await graph.get(`microsoftTunnelConfigurations/${body.id}`);
      expect(read.body['@culvert.warnings']).toEqual(body['@culvert.warnings']);
    });
  });

  describe('a site', () => {
    test.each(siteMistakes)('with %s is refused', async (_name, changes, field, remedy) => {
      expectRefusal(
        await graph.post('microsoftTunnelSites', { ...siteExample(configuration), ...changes }),
        field,
        remedy,
      );
    });

    test('with an address of a private network is allowed and doubted', async () => {
      const { status, body } = await graph.post('microsoftTunnelSites', {
        ...siteExample(configuration),
        publicAddress: '192.168.1.1',
      });
      expect([status, body['@culvert.warnings'][0].target]).toEqual([201, 'publicAddress']);
    });

    test('has an offset that follows daylight saving where it has a time zone', async () => {
      const { body } = await graph.post('microsoftTunnelSites', {
        ...siteExample(configuration),
        upgradeWindowStartTime: '22:00:00',
        upgradeWindowEndTime: '23:00:00',
        upgradeWindowTimeZone: 'Europe/Berlin',
        upgradeWindowUtcOffsetInMinutes: 0,
      });
      // The clock of the test stands in November.
      expect(body.upgradeWindowUtcOffsetInMinutes).toBe(60);
    });
  });

  test('a server has a name of at most 200 characters', async () => {
    const site = (await graph.post('microsoftTunnelSites', siteExample(configuration))).body.id;
    const path = `microsoftTunnelSites/${site}/microsoftTunnelServers`;
    expectRefusal(await graph.post(path, { displayName: 'x'.repeat(201) }), 'displayName', 'at most 200');
    expectRefusal(await graph.post(path, { displayName: '' }), 'displayName', 'at least 1');
    expect((await graph.post(path, { displayName: 'x'.repeat(200) })).status).toBe(201);
  });
});
