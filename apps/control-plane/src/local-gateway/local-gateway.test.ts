import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serverConfigurationSchema } from '@culvert/contracts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { GraphCaller } from '../testing/graph.ts';
import { ensureDefaultSite } from './default-site.ts';
import { bringUpToDate, followSite } from './follow.ts';

const settings = {
  publicAddress: 'vpn.example.com',
  serverConfiguration: serverConfigurationSchema.parse({
    displayName: 'Default',
    network: '10.70.0.0/16',
    dnsServers: ['10.60.0.53'],
  }),
};
const gatewayDocument = {
  publicAddress: 'vpn.example.com',
  serverConfiguration: { displayName: 'Default', network: '10.70.0.0/16', dnsServers: ['10.60.0.53'] },
  tls: { certificateFile: 'tls/site.crt', privateKeyFile: 'tls/site.key' },
  authentication: [{ kind: 'passwordFile', file: 'users' }],
  stateDirectory: '.',
};

describeOnEachEngine('the gateway of this host', (database) => {
  let directory: string;
  let file: string;
  let membership: string;
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'culvert-local-gateway-'));
    file = join(directory, 'gateway.json');
    membership = join(directory, 'local-gateway.json');
    writeFileSync(file, JSON.stringify(gatewayDocument));
    await database().tables.deleteFrom('sites').execute();
    await database().tables.deleteFrom('server_configurations').execute();
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const read = () => JSON.parse(readFileSync(file, 'utf8'));

  test('gets a site of its own at the first start, once', async () => {
    const context = new TestContext(database());
    const site = await ensureDefaultSite(context, membership, settings);
    expect(await ensureDefaultSite(context, membership, settings)).toBe(site);
    rmSync(membership);
    expect(await ensureDefaultSite(context, membership, settings)).toBe(site);
    const graph = new GraphCaller(await testApplication(context, registerRoutes));
    const { body } = await graph.get('microsoftTunnelSites?$expand=microsoftTunnelConfiguration');
    expect(body.value).toMatchObject([
      {
        id: site,
        displayName: 'Default',
        publicAddress: 'vpn.example.com',
        microsoftTunnelConfiguration: { network: '10.70.0.0/16', dnsServers: ['10.60.0.53'] },
      },
    ]);
  });

  test('gets changes of its site into its file, which keeps everything else', async () => {
    const context = new TestContext(database());
    const siteId = await ensureDefaultSite(context, membership, settings);
    expect(await bringUpToDate(context, { file, siteId })).toBe(false);
    const graph = new GraphCaller(await testApplication(context, registerRoutes));
    const [configuration] = (await graph.get('microsoftTunnelConfigurations')).body.value;
    await graph.patch(`microsoftTunnelConfigurations/${configuration.id}`, {
      routeIncludes: ['10.60.0.0/16'],
      ipv6Network: 'fd70::/112',
    });
    await graph.patch(`microsoftTunnelSites/${siteId}`, { publicAddress: 'vpn2.example.com' });
    expect(await bringUpToDate(context, { file, siteId })).toBe(true);
    expect(read()).toMatchObject({
      ...gatewayDocument,
      publicAddress: 'vpn2.example.com',
      serverConfiguration: { routeIncludes: ['10.60.0.0/16'], ipv6Network: 'fd70::/112' },
    });
    expect(await bringUpToDate(context, { file, siteId })).toBe(false);
  });

  test('keeps its file when the site was deleted', async () => {
    const context = new TestContext(database());
    const siteId = await ensureDefaultSite(context, membership, settings);
    await database().tables.deleteFrom('sites').execute();
    await expect(bringUpToDate(context, { file, siteId })).rejects.toThrow('its site was deleted');
    expect(read()).toEqual(gatewayDocument);
  });

  test('hears of a change while it runs, and a broken file is complained about once', async () => {
    const context = new TestContext(database());
    const complaints = vi.spyOn(context.logger, 'error');
    const siteId = await ensureDefaultSite(context, membership, settings);
    const written = Promise.withResolvers<void>();
    writeFileSync(file, '{');
    const following = followSite(context, { file, siteId, onWritten: written.resolve });
    await vi.waitFor(() => expect(complaints).toHaveBeenCalledTimes(1), 5_000);
    writeFileSync(file, JSON.stringify({ ...gatewayDocument, publicAddress: 'old.example.com' }));
    await written.promise;
    expect(read().publicAddress).toBe('vpn.example.com');
    await following.stop();
    expect(complaints).toHaveBeenCalledTimes(1);
  });

  test('gets its site also when devices cannot reach its address, and the log says so', async () => {
    const context = new TestContext(database());
    const doubts = vi.spyOn(context.logger, 'warn');
    const site = await ensureDefaultSite(context, membership, { ...settings, publicAddress: '192.0.2.2' });
    expect(doubts.mock.calls).toEqual([
      [expect.anything(), expect.stringContaining('cannot reach 192.0.2.2')],
    ]);
    expect(await bringUpToDate(context, { file, siteId: site })).toBe(true);
    expect(read().publicAddress).toBe('192.0.2.2');
  });
});
