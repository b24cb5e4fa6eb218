import { afterEach, expect, test } from 'vitest';
import { type ClientBuild, clientBuilds } from '../client/builds.ts';
import type { Client } from '../client/client.ts';
import { serverKind } from '../lab.ts';
import { corpAddress, gatewayAddress } from '../network/network.ts';
import { type ServerSettings, serverSettings } from '../server/server.ts';
import { eventually } from '../system/wait.ts';
import { Capture, handshakes } from '../traffic/capture.ts';
import { reaches, SteadyPing } from '../traffic/ping.ts';
import { useLab } from './use-lab.ts';

const lab = useLab({ network: { devices: 2 } });
const onlyProduct = test.runIf(serverKind === 'culvert');

const secondAddress = '10.50.0.201';

async function reload(changes: Partial<ServerSettings> = {}) {
  lab().culvert.writeConfiguration(serverSettings(changes));
  return await lab().culvert.command('reload');
}

async function apply(changes: Partial<ServerSettings> = {}): Promise<void> {
  const { code, stdout, stderr } = await reload(changes);
  expect(`${stdout}${stderr}`).toContain('The gateway uses the new configuration.');
  expect(code).toBe(0);
}

afterEach(async () => {
  if (serverKind !== 'culvert') return;
  await lab().dismissClients();
  await apply();
});

/** The tunnel that runs on, of the first device. */
async function openTunnel(build: ClientBuild = 'gnutls'): Promise<{ client: Client; ping: SteadyPing }> {
  const client = await lab().connect({ build });
  await client.dtlsEstablished();
  const ping = new SteadyPing(client.device.namespace, corpAddress);
  await eventually('pings pass', () => ping.received > 3);
  return { client, ping };
}

/** What a device gets that connects now. */
async function connectSecond(address = gatewayAddress): Promise<Client> {
  const client = await lab().connect({ device: lab().network.deviceAt(1), user: 'bob', address });
  expect(await reaches(client.device.namespace, corpAddress)).toBe(true);
  return client;
}

const channelOf = async (user: string) =>
  (await lab().culvert.sessions()).find((session) => session.user === user)?.channel;

async function listening(): Promise<string[]> {
  const { stdout } = await lab().network.gateway.run(['ss', '-Hltun', 'sport = :443']);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [protocol, , , , local = ''] = line.split(/\s+/);
      return `${protocol} ${local}`;
    })
    .sort();
}

onlyProduct.each(clientBuilds)(
  'UDP is switched off and on again while the tunnel of the %s client runs on',
  async (build) => {
    const { client, ping } = await openTunnel(build);
    await apply({ server: { disableUdpConnections: true } });
    expect((await listening()).filter((socket) => socket.startsWith('udp'))).toEqual([]);
    expect(await channelOf('alice')).toBe('tls');
    const received = ping.received;
    await eventually('pings pass over TLS', () => ping.received > received + 5);
    const without = await connectSecond();
    expect(without.responseHeaders('X-DTLS-CipherSuite')).toEqual([]);
    await without.logOut();
    await apply();
    const second = await connectSecond();
    await second.dtlsEstablished();
    expect(await channelOf('bob')).toBe('dtls');
    const { longestGap, lost } = await ping.stop();
    expect(longestGap, `lost ${lost}`).toBeLessThanOrEqual(2);
    expect(client.scriptCalls().map((call) => call.reason)).not.toContain('reconnect');
  },
);

onlyProduct('addresses to listen on come and go under the same association', async () => {
  const { gateway } = lab().network;
  await gateway.ip(`addr add ${secondAddress}/24 dev g0`);
  const capture = await Capture.start(gateway, 'g0', 'udp port 443 and host 10.50.0.2');
  try {
    const { client, ping } = await openTunnel();
    for (const listenAddresses of [
      [gatewayAddress],
      [gatewayAddress, secondAddress],
      [secondAddress, gatewayAddress],
    ]) {
      await apply({ gateway: { listenAddresses } });
      expect(await listening()).toEqual(
        listenAddresses.flatMap((one) => [`tcp ${one}:443`, `udp ${one}:443`]).sort(),
      );
    }
    const second = await connectSecond(secondAddress);
    await second.dtlsEstablished();
    expect(await channelOf('bob')).toBe('dtls');
    // Every address covers both again.
    await apply();
    expect(await reaches(second.device.namespace, corpAddress)).toBe(true);
    expect(await channelOf('bob')).toBe('dtls');
    expect(await channelOf('alice')).toBe('dtls');
    const { lost } = await ping.stop();
    expect(lost).toEqual([]);
    expect(client.process.running).toBe(true);
    expect(handshakes(await capture.stop())).toBe(1);
  } finally {
    await lab().dismissClients();
    await gateway.ip(`addr del ${secondAddress}/24 dev g0`);
  }
});

onlyProduct('another port serves the next device, and open tunnels go on', async () => {
  const { client, ping } = await openTunnel();
  await apply({ server: { listenPort: 8443 } });
  expect(await listening()).toEqual([]);
  const url = 'https://vpn.test:8443';
  const second = await lab().connect({ device: lab().network.deviceAt(1), user: 'bob', url });
  await second.dtlsEstablished();
  expect(await reaches(second.device.namespace, corpAddress)).toBe(true);
  expect(await channelOf('bob')).toBe('dtls');
  expect(await channelOf('alice')).toBe('tls');
  const { longestGap, lost } = await ping.stop();
  expect(longestGap, `lost ${lost}`).toBeLessThanOrEqual(2);
  expect(client.scriptCalls().map((call) => call.reason)).not.toContain('reconnect');
});

onlyProduct('an address that cannot be had changes nothing', async () => {
  const { ping } = await openTunnel();
  const before = await listening();
  const { code, stdout, stderr } = await reload({
    server: { disableUdpConnections: true },
    gateway: { listenAddresses: [gatewayAddress, '192.0.2.1'] },
  });
  expect(code).toBe(1);
  expect(`${stdout}${stderr}`).toMatch(/192\.0\.2\.1:443: .*goes on listening where it was/);
  expect(await listening()).toEqual(before);
  expect((await ping.stop()).lost).toEqual([]);
  expect(await channelOf('alice')).toBe('dtls');
  await (await connectSecond()).dtlsEstablished();
});

onlyProduct('routes are new for the next device, and open tunnels keep theirs', async () => {
  const { client, ping } = await openTunnel();
  await apply({ server: { routeIncludes: ['10.60.0.0/24'] } });
  const routes = async (one: Client) => (await one.configuration()).routes('include');
  const fresh = await routes(await connectSecond());
  expect(fresh).toContain('10.60.0.0/24');
  expect(fresh).not.toContain('10.60.0.0/16');
  expect((await ping.stop()).lost).toEqual([]);
  expect(await routes(client)).toContain('10.60.0.0/16');
});
