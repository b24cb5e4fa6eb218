import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { clientBuilds } from '../client/builds.ts';
import { intranetPage } from '../corp/intranet.ts';
import { serverKind } from '../lab.ts';
import { corpAddress } from '../network/network.ts';
import { eventually } from '../system/wait.ts';
import { measure } from '../traffic/iperf.ts';
import { reaches } from '../traffic/ping.ts';
import { useLab } from './use-lab.ts';

const lab = useLab({ settings: { advanced: { 'dead-peer-detection': '5', keepalive: '5' } } });
const onlyProduct = test.runIf(serverKind === 'culvert');

test.each(clientBuilds)('data passes over TLS alone with the %s client', async (build) => {
  await lab().connect({ dtls: false, build });
  const device = lab().network.device.namespace;
  const page = await device.run(['curl', '--silent', '--max-time', '10', 'http://intranet.corp.test/']);
  expect(page.stdout).toBe(intranetPage);
  for (const direction of ['up', 'down'] as const) {
    const { receivedBytes } = await measure(device, { direction, seconds: 2 });
    expect(receivedBytes).toBeGreaterThan(1_000_000);
  }
});

test('a slow reader breaks no packet: the tunnel is there after the flood', async () => {
  const client = await lab().connect({ dtls: false });
  const device = lab().network.device.namespace;
  const down = device.attempt(['iperf3', '-c', corpAddress, '-R', '-u', '-b', '2G', '-t', '4']);
  // A stopped client reads nothing while the server goes on sending.
  await sleep(500);
  for (let round = 0; round < 3; round += 1) {
    client.process.signal('SIGSTOP');
    await sleep(400);
    client.process.signal('SIGCONT');
    await sleep(400);
  }
  await down;
  expect(client.process.running).toBe(true);
  expect(client.log).not.toMatch(/Unknown packet|Short packet|Unexpected packet length/);
  expect(await reaches(device, corpAddress)).toBe(true);
});

test('a quiet tunnel lives on by dead peer detection and keepalives of both sides', async () => {
  const client = await lab().connect({ dtls: false, extra: ['-vvv'] });
  await sleep(16_000);
  expect(client.process.running).toBe(true);
  expect(client.log).toMatch(/Send CSTP (DPD|Keepalive)/);
  expect(client.log).toMatch(/Got CSTP DPD (request|response)/);
  expect(client.log).not.toMatch(/CSTP Dead Peer Detection detected dead peer/);
  expect(await reaches(lab().network.device.namespace, corpAddress)).toBe(true);
});

onlyProduct('a device that vanished keeps its session for the roaming time', async () => {
  const client = await lab().connect({ dtls: false });
  const [before] = await lab().culvert.sessions();
  await client.kill();
  await eventually(
    'the session waits for its device',
    async () => (await lab().culvert.sessions()).some((one) => one.id === before?.id && one.state === 'away'),
    40_000,
    500,
  );
  await lab().culvert.command('disconnect', '--user', 'alice');
});

onlyProduct('a client that logs out frees its session and its address', async () => {
  const client = await lab().connect({ dtls: false });
  expect(await lab().culvert.sessions()).toHaveLength(1);
  await client.logOut();
  await eventually('the session is gone', async () => (await lab().culvert.sessions()).length === 0);
});

onlyProduct(
  'a session that an administrator ends tells the user why, and the client stays away',
  async () => {
    const client = await lab().connect();
    const message = 'Maintenance at noon';
    const { code } = await lab().culvert.command('disconnect', '--user', 'alice', '--message', message);
    expect(code).toBe(0);
    await client.process.waitForEnd(10_000);
    expect(client.log).toContain(message);
    expect(client.log).not.toMatch(/reconnect/i);
  },
);

onlyProduct('keepalives alone are enough for a quiet tunnel, and the client sends them in time', async () => {
  // Nobody asks: what is sent is sent by the keepalive.
  await lab().restartServer({ advanced: { 'dead-peer-detection': '600', keepalive: '5' } });
  const client = await lab().connect({ dtls: false, extra: ['-vvv'] });
  const began = Date.now();
  for (let from = 0, round = 0; round < 3; round += 1) {
    const sent = await client.process.waitFor(/Send CSTP Keepalive/, 12_000, from);
    from += sent.index + sent[0].length;
  }
  expect(Date.now() - began).toBeGreaterThan(10_000);
  expect(client.log).not.toMatch(/CSTP DPD/);
  expect((await lab().culvert.sessions()).map((session) => session.state)).toEqual(['connected']);
});

onlyProduct('the server asks after a client that says nothing', async () => {
  // A client that neither probes nor keeps alive for long, so that the server's own question is seen.
  await lab().restartServer({ advanced: { 'dead-peer-detection': '5', keepalive: '600' } });
  const client = await lab().connect({ dtls: false, extra: ['-vvv', '--force-dpd', '600'] });
  for (let from = 0, round = 0; round < 2; round += 1) {
    const request = await client.process.waitFor(/Got CSTP DPD request/, 20_000, from);
    from += request.index + request[0].length;
  }
  expect((await lab().culvert.sessions()).map((session) => session.state)).toEqual(['connected']);
});
