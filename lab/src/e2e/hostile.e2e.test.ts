import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { serverKind } from '../lab.ts';
import { corpAddress, gatewayAddress } from '../network/network.ts';
import { proportionalSetSize } from '../system/process-tree.ts';
import { Capture } from '../traffic/capture.ts';
import { reaches, SteadyPing } from '../traffic/ping.ts';
import { useLab } from './use-lab.ts';

/** Device 0 is a user, device 1 means harm. */
const lab = useLab({ network: { devices: 2 } });
const onlyProduct = test.runIf(serverKind === 'culvert');

const file = (name: string) => fileURLToPath(new URL(`../hostile/${name}`, import.meta.url));
const harm = () => lab().network.deviceAt(1).namespace;

async function attack(kind: string, amount = 0): Promise<string> {
  const { stdout } = await harm().attempt([process.execPath, file('attack.ts'), kind, String(amount)], {
    timeoutMilliseconds: 110_000,
  });
  return stdout.trim();
}

/** The gateway must be as good as before: a user gets in and reaches the company network. */
async function expectService(): Promise<void> {
  const client = await lab().connect({}, 20_000);
  expect(await reaches(client.device.namespace, corpAddress)).toBe(true);
  await client.logOut();
}

/** Memory may grow by this much under attack: queues and caches have bounds, and those are small. */
const memoryAllowanceKilobytes = 96_000;

async function expectBoundedMemory(work: () => Promise<void>): Promise<void> {
  const before = proportionalSetSize(lab().server.processes());
  await work();
  expect(proportionalSetSize(lab().server.processes()) - before).toBeLessThan(memoryAllowanceKilobytes);
}

onlyProduct('request-one-byte-a-second: the connection is closed, users get in meanwhile', async () => {
  const slow = attack('slow', 80);
  await expectService();
  expect(Number(await slow)).toBeLessThan(60);
});

onlyProduct('header-64-kilobytes: refused', async () => {
  expect(await attack('header', 65_536)).toMatch(/^(HTTP\/1\.1 4\d\d|closed)/);
  await expectService();
});

onlyProduct('body-1-megabyte: refused', async () => {
  expect(await attack('body', 1_048_576)).toMatch(/^(HTTP\/1\.1 4\d\d|closed)/);
  await expectService();
});

onlyProduct('requests-pipelined: no more than the first is answered', async () => {
  expect((await attack('pipeline')).match(/200/g)?.length ?? 0).toBeLessThanOrEqual(1);
});

onlyProduct('tls-garbage: closed soon', async () => {
  expect(Number(await attack('garbage'))).toBeLessThan(20);
  await expectService();
});

onlyProduct(
  'ten-thousand-silent-connections: a user still gets in, and they are closed in time',
  async () => {
    const others = Array.from({ length: 16 }, (_, index) => `10.50.0.${100 + index}`);
    for (const address of others) await harm().ip(`addr add ${address}/24 dev d0`);
    await expectBoundedMemory(async () => {
      const silent = harm().start([
        ...['/usr/bin/python3', file('silent_connections.py'), gatewayAddress, '10000', '25', ...others],
      ]);
      await silent.waitFor(/^opened \d+/m, 100_000);
      await expectService();
      const [, closed] = await silent.waitFor(/^closed (\d+)/m, 60_000);
      const [, opened] = /^opened (\d+)/m.exec(silent.output) ?? [];
      expect(Number(closed)).toBe(Number(opened));
    });
    for (const address of others) await harm().ip(`addr del ${address}/24 dev d0`);
    await expectService();
  },
);

onlyProduct(
  'dtls-garbage-replay-flood from changing sources: the tunnel of a user does not feel it',
  async () => {
    const capture = await Capture.start(lab().network.gateway, 'g0', 'udp port 443');
    const client = await lab().connect();
    await sleep(1_000);
    const recorded = (await capture.stop()).filter((datagram) => datagram.destinationPort === 443);
    expect(recorded.length).toBeGreaterThan(3);
    const ping = new SteadyPing(client.device.namespace, corpAddress);
    // The user's own address is among the sources, and addresses that do not exist.
    const sources = ['10.50.0.2', '10.50.0.3', ...Array.from({ length: 60 }, (_, n) => `10.50.0.${190 + n}`)];
    await expectBoundedMemory(async () => {
      await harm().run(['/usr/bin/python3', file('dtls_flood.py'), gatewayAddress, '30000', ...sources], {
        input: recorded.map((datagram) => datagram.payload.toString('hex')).join('\n'),
      });
    });
    const { sent, lost } = await ping.stop();
    expect(lost.length, `lost ${lost} of ${sent}`).toBeLessThanOrEqual(2);
    expect((await lab().culvert.sessions())[0]?.channel).toBe('dtls');
    expect(client.log).not.toMatch(/reconnect|Dead Peer/i);
  },
);

onlyProduct.each([true, false])(
  'inner-packets-malformed through a real tunnel (DTLS: %s): the tunnel and those of others live on',
  async (dtls) => {
    const other = await lab().connect({ user: 'bob', dtls });
    const client = await lab().connect({ device: lab().network.deviceAt(1), dtls });
    const own = (await client.configuration()).value('INTERNAL_IP4_ADDRESS') ?? '';
    const ping = new SteadyPing(other.device.namespace, corpAddress);
    for (let round = 0; round < 20; round += 1) {
      await harm().run(['/usr/bin/python3', file('raw_packet.py'), 'malformed', own, corpAddress]);
    }
    expect(await reaches(harm(), corpAddress)).toBe(true);
    expect((await ping.stop()).lost).toEqual([]);
    expect(client.process.running).toBe(true);
    expect(lab().culvert.enginePid()).toBeDefined();
  },
);
