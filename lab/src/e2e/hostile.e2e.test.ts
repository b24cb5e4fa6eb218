import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { frame, handMadeSignIn, handMadeTunnels } from '../hostile/hand-made.ts';
import type { Attempt } from '../hostile/tunnel.ts';
import { serverKind } from '../lab.ts';
import { corpAddress, gatewayAddress } from '../network/network.ts';
import { labAccounts } from '../server/server.ts';
import { proportionalSetSize } from '../system/process-tree.ts';
import { eventually } from '../system/wait.ts';
import { Capture, dataDatagrams } from '../traffic/capture.ts';
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

onlyProduct.each(['handshake-one-byte-a-second', 'handshake-truncated'])(
  'tls-%s: closed by the deadline of the handshake, users get in meanwhile',
  async (kind) => {
    const slow = attack(kind, 60);
    await expectService();
    expect(Number(await slow)).toBeGreaterThan(5);
    expect(Number(await slow)).toBeLessThan(15);
  },
);

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
    expect(await reaches(client.device.namespace, corpAddress)).toBe(true);
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

const signIn = () => handMadeSignIn(harm(), 'bob', labAccounts.bob);
const tunnels = (attempts: Readonly<Record<string, Attempt>>) => handMadeTunnels(harm(), attempts);

async function statusOf(...headers: string[]): Promise<string | undefined> {
  return (await tunnels({ only: { headers, records: [] } }))[0]?.[1].status;
}

const sessionsOfBob = async () => (await lab().culvert.sessions()).filter((one) => one.user === 'bob');

async function expectStateOfBob(state: string): Promise<void> {
  await eventually(`his session is ${state}`, async () => {
    const [session, ...others] = await sessionsOfBob();
    return others.length === 0 && session?.state === state;
  });
}

/** The hand-made client's session is there and whole: it can be ended, and then its cookie is worth nothing. */
async function expectSessionEnds(cookie: string): Promise<void> {
  expect((await lab().culvert.command('disconnect', '--user', 'bob')).code).toBe(0);
  await eventually('the session is gone', async () => (await sessionsOfBob()).length === 0);
  expect(await statusOf(cookie)).toBe(unauthorized);
}

const connected = 'HTTP/1.1 200 CONNECTED';
const unauthorized = 'HTTP/1.1 401 Unauthorized';

const dpd = frame(3, 'c0ffee');
const dpdAnswer = frame(4, 'c0ffee');

onlyProduct('tunnel frames that are no frames: the connection is closed, the session waits', async () => {
  const cookie = await signIn();
  const other = await lab().connect();
  const ping = new SteadyPing(other.device.namespace, corpAddress);
  const broken = {
    'wrong magic': frame(0, '00', { magic: '53544602' }),
    'all zero': '00'.repeat(64),
    'an HTTP request': Buffer.from('GET / HTTP/1.1\r\nHost: vpn.test\r\n\r\n').toString('hex'),
    'last byte of the header not 0': frame(0, '00', { last: 1 }),
    'length 65535': frame(0, 'ff'.repeat(100), { length: 65_535 }),
    'one byte more than fits': frame(0, 'ff'.repeat(100), { length: 16_377 }),
    'unknown type 6': frame(6),
    'unknown type 255': frame(255, '00'),
    'compressed, though nobody agreed to': frame(8, '00'.repeat(32)),
    'a good frame, then garbage in the same record': `${frame(7)}ffffffffffffffff`,
  };
  // What comes after it must not be looked at any more, and each CONNECT finds the session of before.
  const attempts = Object.entries(broken).map(([name, record]) => [
    name,
    { headers: [cookie], records: [record, dpd] },
  ]);
  for (const [name, outcome] of await tunnels(Object.fromEntries(attempts))) {
    expect(outcome, name).toMatchObject({ status: connected, closed: true });
    expect(outcome.received, name).not.toContain(dpdAnswer);
  }
  await expectStateOfBob('away');
  expect((await ping.stop()).lost).toEqual([]);
  await other.logOut();
  await expectSessionEnds(cookie);
  await expectService();
});

onlyProduct('tunnel frames that are odd but allowed: the tunnel lives on', async () => {
  const cookie = await signIn();
  const allowed = {
    'data of length 0': [frame(0)],
    'data that is no IP packet': [frame(0, 'ff'.repeat(40)), frame(0, '45')],
    'the largest frame': [frame(0, 'ff'.repeat(16_376))],
    'a frame in many records': [...frame(0, 'ff'.repeat(20)).matchAll(/../g)].map(([byte]) => byte),
    'many frames in one record': [frame(7).repeat(500)],
    'answers to questions that nobody asked': [frame(4, 'ff'.repeat(100)), frame(4)],
    'the word of a server': [frame(9)],
  };
  const attempts = Object.entries(allowed).map(([name, records]) => [
    name,
    { headers: [cookie], records: [...records, dpd] },
  ]);
  for (const [name, outcome] of await tunnels(Object.fromEntries(attempts))) {
    expect(outcome, name).toMatchObject({ status: connected, closed: false });
    expect(outcome.received, name).toContain(dpdAnswer);
  }
  await expectSessionEnds(cookie);
});

onlyProduct('goodbyes: only the one for good ends the session, and its cookie is dead at once', async () => {
  const cookie = await signIn();
  const passing = ['', '91', 'd1', '70', 'ff'.repeat(2_000)];
  const attempts = passing.map((payload) => [
    payload.slice(0, 2),
    { headers: [cookie], records: [frame(5, payload)] },
  ]);
  for (const [name, outcome] of await tunnels(Object.fromEntries(attempts))) {
    expect(outcome, name).toMatchObject({ status: connected, closed: true });
  }
  await expectStateOfBob('away');
  await tunnels({ 'for good': { headers: [cookie], records: [frame(5, 'b0')] } });
  await eventually('the session is gone', async () => (await sessionsOfBob()).length === 0);
  expect(await statusOf(cookie)).toBe(unauthorized);
});

onlyProduct('a tunnel without a good cookie is refused, whatever else the request says', async () => {
  const cookie = await signIn();
  const value = cookie.slice('Cookie: webvpn='.length);
  const changed = value.slice(0, -1) + (value.endsWith('A') ? 'B' : 'A');
  const bad = {
    'none at all': [],
    'an empty one': ['Cookie: webvpn='],
    'one character changed': [`Cookie: webvpn=${changed}`],
    'a part of it': [`Cookie: webvpn=${value.slice(0, -4)}`],
    'more than it': [`${cookie}AAAA`],
    'under another name': [`Cookie: webvpncontext=${value}`],
    'two different ones': [`Cookie: webvpn=${value}; webvpn=${changed}`],
    'very long': [`Cookie: webvpn=${'A'.repeat(8_000)}`],
    'not of this alphabet': ['Cookie: webvpn=%00../../etc/passwd\'"<>'],
  };
  const attempts = Object.entries(bad).map(([name, headers]) => [name, { headers, records: [] }]);
  for (const [name, outcome] of await tunnels(Object.fromEntries(attempts))) {
    expect(outcome.status, name).toBe(unauthorized);
  }
  expect(await statusOf('Cookie: webvpn=a\x01b')).toBe('HTTP/1.1 400 Bad Request');
  expect(await statusOf(cookie)).toBe(connected);
  await expectSessionEnds(cookie);
});

onlyProduct('numbers of the request beyond all bounds give an MTU within them', async () => {
  const cookie = await signIn();
  const numbers = ['4294967296', '-1', '0', '1e9', 'NaN', '0x10000', '99999999999999999999'];
  const attempts = numbers.map((mtu) => [
    mtu,
    { headers: [cookie, `X-CSTP-Base-MTU: ${mtu}`, `X-CSTP-MTU: ${mtu}`], records: [] },
  ]);
  for (const [name, { status, headers }] of await tunnels(Object.fromEntries(attempts))) {
    expect(status, name).toBe(connected);
    expect(Number(headers['X-CSTP-MTU']), name).toBeGreaterThanOrEqual(576);
    expect(Number(headers['X-CSTP-MTU']), name).toBeLessThanOrEqual(1_500);
  }
  await expectSessionEnds(cookie);
});

onlyProduct('dtls-forged under the address and port of a user: the tunnel does not feel it', async () => {
  const capture = await Capture.start(lab().network.gateway, 'g0', 'udp dst port 443');
  const client = await lab().connect();
  expect(await reaches(client.device.namespace, corpAddress, 5)).toBe(true);
  const recorded = dataDatagrams(await capture.stop());
  const [first] = recorded;
  if (first === undefined) throw new Error('no record of the association was captured');
  const ping = new SteadyPing(client.device.namespace, corpAddress);
  const forged = recorded.flatMap(({ payload }) => forgeries(payload));
  const words = [file('spoof_udp.py'), gatewayAddress, first.source, String(first.sourcePort)];
  const input = forged.map((datagram) => datagram.toString('hex')).join('\n');
  const { stdout } = await harm().run(['/usr/bin/python3', ...words], { input });
  expect(Number(stdout)).toBeGreaterThan(500);
  expect(await reaches(client.device.namespace, corpAddress, 5)).toBe(true);
  const { sent, lost } = await ping.stop();
  expect(lost, `of ${sent}`).toEqual([]);
  expect((await lab().culvert.sessions()).map((session) => session.channel)).toEqual(['dtls']);
  expect(client.log).not.toMatch(/reconnect|Dead Peer/i);
});

/** What somebody on the path can make of a good record without its key. */
function forgeries(record: Buffer): Buffer[] {
  const change = (work: (copy: Buffer) => unknown) => {
    const copy = Buffer.from(record);
    work(copy);
    return copy;
  };
  return [
    record,
    ...Array.from({ length: record.length }, (_, length) => record.subarray(0, length)),
    // The header of the record: type, version, epoch, sequence number, length.
    ...[20, 21, 22, 24, 0, 255].map((type) => change((copy) => copy.writeUInt8(type, 0))),
    ...[0xfeff, 0x0100, 0x0303, 0].map((version) => change((copy) => copy.writeUInt16BE(version, 1))),
    ...[0, 2, 3, 65_535].map((epoch) => change((copy) => copy.writeUInt16BE(epoch, 3))),
    ...[0, 1_000_000, 0xffffffff].map((number) => change((copy) => copy.writeUInt32BE(number, 7))),
    change((copy) => copy.writeUInt16BE(0xffff, 5)),
    ...[0, 1, 8, 23, 24, 65_535].map((length) => change((copy) => copy.writeUInt16BE(length, 11))),
    // One bit of what is sealed.
    ...Array.from({ length: record.length - 13 }, (_, index) =>
      change((copy) => copy.writeUInt8(copy.readUInt8(13 + index) ^ 1, 13 + index)),
    ),
    // Alerts that nobody signed: close_notify and a fatal one; then a record of twice the same.
    Buffer.from('15fefd000000000000000900020100', 'hex'),
    Buffer.from('15fefd000000000000000a00020228', 'hex'),
    Buffer.concat([record, record]),
  ];
}
