import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Client } from '../client/client.ts';
import { Corp } from '../corp/corp.ts';
import { corpAddress, gatewayName, Network } from '../network/network.ts';
import { Product } from '../server/product.ts';
import type { Background } from '../system/background.ts';
import { makeDirectory } from '../system/run.ts';
import { eventually } from '../system/wait.ts';
import { reaches } from '../traffic/ping.ts';

const graph = '/graph/beta/deviceManagement';

let network: Network;
let product: Product;
let password = '';
let token = '';

beforeAll(async () => {
  network = await Network.create();
  await Corp.start(network.corp);
  product = await Product.start(network.gateway, join(makeDirectory('start'), 'state'));
  password = product.shown('Password')[0]?.split(' ')[0] ?? '';
  token = await product.token('administrator');
});
afterAll(async () => {
  await product?.stop();
  await network?.remove();
});

const connect = () =>
  Client.connect({
    device: network.device,
    authoritiesFile: product.authorityFile,
    user: 'first-user',
    password,
  });

async function onlyConfiguration(): Promise<Record<string, unknown> & { id: string }> {
  const { body } = await product.request(token, 'GET', `${graph}/microsoftTunnelConfigurations`);
  const [first] = body.value as (Record<string, unknown> & { id: string })[];
  if (first === undefined) throw new Error('there is no configuration');
  return first;
}

test('the first start shows two sign-ins, each password once, and what it shows lets a device in', async () => {
  expect(product.shown('Public address')).toEqual([`${gatewayName}, port 443 (TCP and UDP)`]);
  expect(product.shown('Administrator')).toEqual(['admin']);
  expect(product.shown('Password')).toEqual([
    expect.stringMatching(/^\S{23} {3}\(shown only now\)$/),
    expect.stringMatching(/^\S{23} {3}\(shown only now, to be changed at the first sign-in\)$/),
  ]);
  const client = await connect();
  expect(await reaches(network.device.namespace, corpAddress)).toBe(true);
  await client.logOut();
});

test('the site "Default" has the configuration of the gateway', async () => {
  const { body } = await product.request(
    token,
    'GET',
    `${graph}/microsoftTunnelSites?$expand=microsoftTunnelConfiguration`,
  );
  const file = JSON.parse(readFileSync(join(product.directory, 'gateway.json'), 'utf8'));
  expect(body.value).toMatchObject([
    {
      displayName: 'Default',
      publicAddress: gatewayName,
      microsoftTunnelConfiguration: { network: file.serverConfiguration.network },
    },
  ]);
});

test('this host is a server of that site within a minute, healthy or with the remedy', async () => {
  const health = await eventually(
    'the server has told how it is',
    async () => {
      const { body } = await product.request(token, 'GET', '/api/v1/health');
      const [first] = body.value as { id: string; status: string }[];
      if (first === undefined || first.status === 'unknown') return undefined;
      return (await product.request(token, 'GET', `/api/v1/servers/${first.id}/health`)).body;
    },
    60_000,
  );
  const metrics = health.metrics as { name: string; status: string; remedy?: string }[];
  expect(metrics.length).toBeGreaterThan(10);
  for (const { name, status, remedy } of metrics) {
    if (['healthy', 'notMonitored'].includes(status)) continue;
    expect([name, status, remedy]).toEqual([name, expect.any(String), expect.stringMatching(/\S/)]);
  }
});

test('a change through the API reaches the gateway, and the next device has it', async () => {
  const before = await connect();
  const { id } = await onlyConfiguration();
  const from = product.process.output.length;
  const changed = await product.request(token, 'PATCH', `${graph}/microsoftTunnelConfigurations/${id}`, {
    routeIncludes: ['10.60.0.0/16'],
    dnsServers: ['10.60.0.53'],
    disableUdpConnections: true,
  });
  expect(changed.status).toBe(200);
  await product.process.waitFor(/the configuration was read again and applied/, 10_000, from);
  expect(before.process.running).toBe(true);
  await before.logOut();
  const client = await connect();
  const configuration = await client.configuration();
  expect(configuration.routes('include')).toContain('10.60.0.0/16');
  expect(client.responseHeaders('X-DTLS-Port')).toEqual([]);
  await client.logOut();
});

test('a change that is refused tells its field and leaves the gateway alone', async () => {
  const { id } = await onlyConfiguration();
  const from = product.process.output.length;
  const refused = await product.request(token, 'PATCH', `${graph}/microsoftTunnelConfigurations/${id}`, {
    routeIncludes: ['0.0.0.0/0'],
  });
  expect(refused).toMatchObject({
    status: 400,
    body: { error: { details: [{ target: 'routeIncludes[0]' }] } },
  });
  expect(product.process.output.slice(from)).not.toContain('read again');
});

test('a control plane that is killed comes back while a tunnel goes on', async () => {
  const client = await connect();
  const from = product.process.output.length;
  await product.kill('control-plane');
  await product.process.waitFor(/the control plane ended \(SIGKILL\)/, 10_000, from);
  expect(await reaches(network.device.namespace, corpAddress)).toBe(true);
  await product.process.waitFor(/Culvert control plane/, 30_000, from);
  const answer = await eventually('the control plane answers', () =>
    product.request(token, 'GET', '/readyz'),
  );
  expect(answer.status).toBe(200);
  expect(client.process.running).toBe(true);
  await client.logOut();
});

test('a gateway that is killed comes back while a tunnel goes on', async () => {
  const client = await connect();
  const from = product.process.output.length;
  await product.kill('gateway');
  await product.process.waitFor(/the gateway ended \(SIGKILL\)/, 10_000, from);
  expect(await reaches(network.device.namespace, corpAddress)).toBe(true);
  await product.process.waitFor(/devices can connect/, 30_000, from);
  expect(client.process.running).toBe(true);
  await client.logOut();
});

test.each(['agent', 'host-tools'] as const)(
  'a killed process of %s comes back while a tunnel goes on',
  async (which) => {
    const client = await connect();
    const from = product.process.output.length;
    const before = await product.monitor();
    await product.kill(which);
    await product.process.waitFor(/the (agent|monitor) ended \(SIGKILL\)/, 10_000, from);
    expect(await reaches(network.device.namespace, corpAddress)).toBe(true);
    const after = await eventually(
      'it runs again',
      async () => {
        const { processes } = await product.monitor();
        return processes.agent.state === 'running' ? processes : undefined;
      },
      30_000,
    );
    // Neither end touches the gateway, and a monitor finds the agent again.
    expect(after.server.processId).toBe(before.processes.server.processId);
    expect(after.agent.processId === before.processes.agent.processId).toBe(which === 'host-tools');
    expect(client.process.running).toBe(true);
    await client.logOut();
  },
);

const change = async (listenPort: number) => {
  const { id } = await onlyConfiguration();
  return product.request(token, 'PATCH', `${graph}/microsoftTunnelConfigurations/${id}`, { listenPort });
};

/** Another program on a port of the gateway's host. */
async function squat(port: number): Promise<Background> {
  const squatter = network.gateway.start(['python3', '-m', 'http.server', String(port)]);
  await eventually('the port is taken', async () => {
    const { stdout } = await network.gateway.run(['ss', '-Hltn', `sport = :${port}`]);
    return stdout !== '';
  });
  return squatter;
}

test('a port that another program has is refused, and the gateway keeps its own', async () => {
  const squatter = await squat(9000);
  const from = product.process.output.length;
  expect((await change(9000)).status).toBe(200);
  await product.process.waitFor(/the configuration of the site is not used/, 30_000, from);
  await (await connect()).logOut();
  expect((await change(443)).status).toBe(200);
  await squatter.stop();
});

test('a gateway that cannot start is mended through the API', async () => {
  await product.stop();
  const squatter = await squat(443);
  product = new Product(network.gateway, product.directory);
  await product.process.waitFor(/the gateway ended/, 60_000);
  expect((await change(9001)).status).toBe(200);
  await product.process.waitFor(/devices can connect/, 60_000);
  await product.process.waitFor(/the configuration of the site is in use/, 30_000);
  await squatter.stop();
  const from = product.process.output.length;
  expect((await change(443)).status).toBe(200);
  await product.process.waitFor(/the configuration of the site is in use/, 30_000, from);
  await (await connect()).logOut();
});

test('a second start keeps everything, shows no password, and a stop leaves nothing behind', async () => {
  const configuration = await onlyConfiguration();
  expect(await product.stop('SIGINT')).toEqual({ code: 0, signal: undefined });
  expect((await network.gateway.run(['nft', 'list', 'tables'])).stdout).toBe('');
  expect(network.gateway.processes()).toEqual([]);
  product = await Product.start(network.gateway, product.directory);
  expect(product.process.output).not.toContain('shown only now');
  expect(await onlyConfiguration()).toEqual(configuration);
  await (await connect()).logOut();
});
