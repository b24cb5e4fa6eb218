import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type ClientBuild, clientBuilds } from '../client/builds.ts';
import type { Client } from '../client/client.ts';
import { serverKind } from '../lab.ts';
import { corpAddress } from '../network/network.ts';
import { eventually } from '../system/wait.ts';
import { reaches } from '../traffic/ping.ts';
import { useLab } from './use-lab.ts';

// With the default dead-peer detection: nothing here is mended by its half minute.
const lab = useLab();
const onlyProduct = test.runIf(serverKind === 'culvert');

const channel = async () => (await lab().culvert.sessions())[0]?.channel;

/** A tunnel whose pings go over DTLS. */
async function connectOverDtls(build: ClientBuild): Promise<Client> {
  const client = await lab().connect({ build });
  await client.dtlsEstablished();
  expect(await reaches(client.device.namespace, corpAddress)).toBe(true);
  expect(await channel()).toBe('dtls');
  return client;
}

/** Long enough for a handshake, its MTU probe and a few retransmissions. */
const soon = 9_000;

async function expectDtlsSoon(client: Client): Promise<void> {
  await eventually('traffic passes again', () => reaches(client.device.namespace, corpAddress), soon, 200);
  await eventually('it passes over DTLS', async () => (await channel()) === 'dtls', soon, 200);
  expect(await reaches(client.device.namespace, corpAddress)).toBe(true);
  expect(await channel()).toBe('dtls');
}

onlyProduct.each(clientBuilds)(
  'after gateway and engine were killed the %s client has DTLS again as soon as it is back',
  async (build) => {
    const client = await connectOverDtls(build);
    await lab().culvert.killGateway();
    await lab().culvert.killEngine();
    await sleep(500);
    await lab().culvert.startGateway();
    await client.scriptCall('reconnect', 1, 60_000);
    await expectDtlsSoon(client);
  },
);

onlyProduct.each(clientBuilds)(
  'after the engine alone was killed the %s client has DTLS again as soon as it is back',
  async (build) => {
    const client = await connectOverDtls(build);
    await lab().culvert.killEngine();
    await client.scriptCall('reconnect', 1, 60_000);
    await expectDtlsSoon(client);
  },
);

onlyProduct.each(clientBuilds)(
  'after the gateway was stopped and started the %s client has DTLS again as soon as it is back',
  async (build) => {
    const client = await connectOverDtls(build);
    await client.device.namespace.run(['ping', '-n', '-c', '3', '-i', '0.2', '-s', '1000', corpAddress]);
    await lab().culvert.stopGateway();
    await lab().culvert.startGateway();
    await client.scriptCall('reconnect', 1, 60_000);
    await expectDtlsSoon(client);
    // What the first engine carried is not forgotten.
    await client.logOut();
    const line = await eventually('the end is in the log', () => {
      const last = lab().culvert.accessLog().at(-1);
      return last?.event === 'end' ? last : undefined;
    });
    expect(Number(line.bytesIn)).toBeGreaterThan(3_000);
  },
);

onlyProduct.each(clientBuilds)(
  'the %s client that starts its DTLS anew over a second connection gets it',
  async (build) => {
    const client = await connectOverDtls(build);
    const { length } = client.log;
    // SIGUSR2 drops the connection and DTLS: only a new handshake, with whatever key the client takes, brings it back.
    await client.reconnect();
    await client.dtlsEstablished(soon, length);
    await expectDtlsSoon(client);
  },
);
