import type { FastifyInstance } from 'fastify';
import { beforeAll, expect, test } from 'vitest';
import type { GraphObject } from '../graph/conversion.ts';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { configurationExample, GraphCaller, siteExample } from '../testing/graph.ts';
import { mostExpandedServers } from './expanded-servers.ts';

const path = 'microsoftTunnelSites';
const expand = '$expand=microsoftTunnelServers';
const rest = 'microsoftTunnelServers@odata.nextLink';

describeOnEachEngine('the servers that are shown inside of sites', (database) => {
  let context: TestContext;
  let application: FastifyInstance;
  let graph: GraphCaller;
  const numbers = [mostExpandedServers * 2 + 50, mostExpandedServers, 3, 0];
  const siteIds: string[] = [];

  beforeAll(async () => {
    context = new TestContext(database());
    application = await testApplication(context, registerRoutes);
    graph = new GraphCaller(application);
    const configuration = await graph.post('microsoftTunnelConfigurations', configurationExample);
    for (const [index, number] of numbers.entries()) {
      const site = { ...siteExample(configuration.body.id), displayName: `site ${index}` };
      siteIds.push(String((await graph.post(path, site)).body.id));
      await makeServers(siteIds[index] ?? '', number);
    }
  });

  const makeServers = async (siteId: string, number: number) => {
    if (number === 0) return;
    const rows = Array.from({ length: number }, (_, index) => ({
      // Sites take turns in the order of identifiers.
      id: `server-${String(index).padStart(4, '0')}-${siteId}`,
      version: 1,
      site_id: siteId,
      display_name: `gateway ${index}`,
      tunnel_server_health_status: 'unknown',
      deployment_mode: 'standaloneRootful',
    }));
    await database().tables.insertInto('servers').values(rows).execute();
  };
  /** The identifiers of the servers inside of a site, and of those behind its link. */
  const everyServer = async (site: GraphObject) => {
    const seen = (site.microsoftTunnelServers as { id: string }[]).map(({ id }) => id);
    let link = site[rest];
    while (typeof link === 'string') {
      expect(link.startsWith(`${context.configuration.publicUrl}/graph/beta/`)).toBe(true);
      const { status, body } = await graph.get(link.slice(context.configuration.publicUrl.length));
      expect(status).toBe(200);
      seen.push(...body.value.map(({ id }: { id: string }) => id));
      link = body['@odata.nextLink'];
    }
    return seen;
  };

  test('are bounded for each site, and links lead to all others, each once', async () => {
    const { body } = await graph.get(`${path}?${expand}&$orderby=displayName`);
    const sites: GraphObject[] = body.value;
    expect(sites.map((site) => (site.microsoftTunnelServers as unknown[]).length)).toEqual([
      mostExpandedServers,
      mostExpandedServers,
      3,
      0,
    ]);
    expect(sites.map((site) => typeof site[rest])).toEqual(['string', 'undefined', 'undefined', 'undefined']);
    for (const [index, site] of sites.entries()) {
      const seen = await everyServer(site);
      expect([seen.length, new Set(seen).size]).toEqual([numbers[index], numbers[index]]);
    }
  });

  test('are the same inside of one site', async () => {
    const { body } = await graph.get(`${path}/${siteIds[0]}?${expand}&$select=displayName`);
    expect(await everyServer(body)).toHaveLength(numbers[0] ?? 0);
  });

  test('do not keep a client from sending a site back as it was read', async () => {
    const { body } = await graph.get(`${path}/${siteIds[0]}?${expand}`);
    expect(body[rest]).toContain(String(siteIds[0]));
    expect((await graph.patch(`${path}/${siteIds[0]}`, body)).status).toBe(200);
  });
});
