import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { clientBuilds } from '../client/builds.ts';
import type { ScriptCall } from '../client/script-calls.ts';
import { serverKind } from '../lab.ts';
import { changeAddress, cutTcp } from '../network/device.ts';
import { corpAddress } from '../network/network.ts';
import { eventually } from '../system/wait.ts';
import { Capture, handshakes } from '../traffic/capture.ts';
import { reaches, SteadyPing } from '../traffic/ping.ts';
import { useLab } from './use-lab.ts';

const lab = useLab({
  network: { switched: true },
  settings: { advanced: { 'dead-peer-detection': '5' } },
});
const onlyProduct = test.runIf(serverKind === 'culvert');

const addressesOf = (call: ScriptCall) => [
  call.value('INTERNAL_IP4_ADDRESS'),
  call.value('INTERNAL_IP4_NETMASK'),
  call.value('INTERNAL_IP6_NETMASK'),
];

test('after its TCP connection was cut a client comes back with the same addresses', async () => {
  const client = await lab().connect({ dtls: false });
  const before = addressesOf(await client.configuration());
  await cutTcp(lab().network.device);
  const after = addressesOf(await client.scriptCall('reconnect'));
  expect(after).toEqual(before);
  expect(await reaches(lab().network.device.namespace, corpAddress)).toBe(true);
});

onlyProduct('a client whose address changed keeps its session', async () => {
  const { device } = lab().network;
  const client = await lab().connect();
  const before = addressesOf(await client.configuration());
  const [session] = await lab().culvert.sessions();
  await changeAddress(device, '10.50.0.2', '10.50.0.102');
  try {
    const after = addressesOf(await client.scriptCall('reconnect', 1, 40_000));
    expect(after).toEqual(before);
    await eventually('traffic passes again', () => reaches(device.namespace, corpAddress), 40_000, 500);
    const [same] = await lab().culvert.sessions();
    expect(same?.id).toBe(session?.id);
    expect(same?.remoteAddress).toContain('10.50.0.102');
  } finally {
    await lab().dismissClients();
    await changeAddress(device, '10.50.0.102', '10.50.0.2');
  }
});

onlyProduct(
  'after gateway and engine were killed a client comes back by itself, without signing in',
  async () => {
    const client = await lab().connect();
    const before = addressesOf(await client.configuration());
    const [session] = await lab().culvert.sessions();
    const from = client.log.length;
    await lab().culvert.killGateway();
    await lab().culvert.killEngine();
    await sleep(500);
    await lab().culvert.startGateway();
    const after = addressesOf(await client.scriptCall('reconnect', 1, 60_000));
    expect(after).toEqual(before);
    expect(client.log.slice(from)).not.toMatch(/Please enter|Password/);
    await eventually(
      'traffic passes again',
      () => reaches(lab().network.device.namespace, corpAddress),
      30_000,
      500,
    );
    expect((await lab().culvert.sessions()).map((one) => one.id)).toEqual([session?.id]);
  },
);

onlyProduct('a client that detached connects again with its cookie and its address', async () => {
  const first = lab().startClient({ extra: ['--authenticate'] });
  await first.process.waitForEnd(20_000);
  const cookie = /^COOKIE='(.*)'$/m.exec(first.log)?.[1] ?? '';
  const second = await lab().connect({ cookie });
  const before = addressesOf(await second.configuration());
  await second.detach();
  const third = await lab().connect({ cookie });
  expect(addressesOf(await third.configuration())).toEqual(before);
});

onlyProduct.each(clientBuilds)(
  'the DTLS association of the %s client lives through a TCP reconnect',
  async (build) => {
    const capture = await Capture.start(lab().network.gateway, 'g0', 'udp port 443');
    const client = await lab().connect({ build });
    await client.dtlsEstablished();
    const ping = new SteadyPing(lab().network.device.namespace, corpAddress);
    for (let round = 0; round < 3; round += 1) {
      await sleep(2_000);
      // Not by SIGUSR2, which makes the client start its DTLS anew as well.
      await cutTcp(lab().network.device);
      await client.scriptCall('reconnect', round + 1);
    }
    await sleep(2_000);
    const { longestGap, lost } = await ping.stop();
    expect(longestGap, `lost ${lost}`).toBeLessThanOrEqual(1);
    expect((await lab().culvert.sessions())[0]?.channel).toBe('dtls');
    await client.logOut();
    expect(handshakes(await capture.stop())).toBe(1);
  },
);
