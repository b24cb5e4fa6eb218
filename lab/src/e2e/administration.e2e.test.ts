import { expect, test } from 'vitest';
import { serverKind } from '../lab.ts';
import { corpAddress } from '../network/network.ts';
import { labAccounts } from '../server/server.ts';
import { eventually } from '../system/wait.ts';
import { measure } from '../traffic/iperf.ts';
import { useLab } from './use-lab.ts';

const protection = { failuresBeforeBan: 3, banSeconds: 600, neverBan: [] };
const lab = useLab({ network: { devices: 3 }, settings: { gateway: { signInProtection: protection } } });
const onlyProduct = test.runIf(serverKind === 'culvert');

const onDevice = (index: number, user: string) => ({ device: lab().network.deviceAt(index), user });

onlyProduct('the list of sessions tells who, where from, since when, how and how much', async () => {
  const before = Date.now();
  await lab().connect();
  await measure(lab().network.device.namespace, { direction: 'up', seconds: 1 });
  const session = await eventually('the bytes are counted', async () =>
    (await lab().culvert.sessions()).find((one) => Number(one.bytesIn) > 100_000),
  );
  expect(session).toMatchObject({ user: 'alice', state: 'connected', channel: 'dtls', platform: 'linux' });
  expect(session.ipv4).toMatch(/^10\.70\./);
  expect(session.ipv6).toMatch(/^fd70::/);
  expect(session.remoteAddress).toContain('10.50.0.2');
  expect(session.userAgent).toContain('v9.01');
  expect(session.tls).toContain('1.3');
  expect(Number(session.signedInAt)).toBeGreaterThanOrEqual(before - 1_000);
  expect(Number(session.endsAt)).toBeGreaterThan(Date.now());
});

onlyProduct('a session is ended by its id; others stay', async () => {
  const first = await lab().connect(onDevice(0, 'alice'));
  const second = await lab().connect(onDevice(1, 'alice'));
  const target = (await lab().culvert.sessions()).find((one) =>
    String(one.remoteAddress).includes('10.50.0.2'),
  );
  const { code } = await lab().culvert.command('disconnect', '--session', String(target?.id));
  expect(code).toBe(0);
  await first.process.waitForEnd(10_000);
  expect(second.process.running).toBe(true);
  expect(await lab().culvert.sessions()).toHaveLength(1);
});

onlyProduct('all sessions of a user are ended; those of others stay', async () => {
  const clients = [
    await lab().connect(onDevice(0, 'alice')),
    await lab().connect(onDevice(1, 'alice')),
    await lab().connect(onDevice(2, 'bob')),
  ];
  const { code, stdout } = await lab().culvert.command('disconnect', '--user', 'alice');
  expect(code).toBe(0);
  expect(stdout).toContain('2');
  await clients[0]?.process.waitForEnd(10_000);
  await clients[1]?.process.waitForEnd(10_000);
  expect((await lab().culvert.sessions()).map((one) => one.user)).toEqual(['bob']);
});

onlyProduct('ending what is not there is an error that says so', async () => {
  const nobody = await lab().culvert.command('disconnect', '--user', 'nobody');
  expect(nobody.code).not.toBe(0);
  expect(nobody.stderr).toContain('nobody');
});

onlyProduct(
  'an address that keeps guessing is banned, others are not, and unban lets it in again',
  async () => {
    const guess = ['wrong', 'alice', 'wrong', 'alice', 'wrong', 'alice', 'wrong'];
    for (let round = 0; round < 2; round += 1) {
      const guesser = lab().startClient({ ...onDevice(1, 'alice'), password: guess });
      await guesser.process.waitForEnd(40_000);
    }
    const { stdout } = await lab().culvert.command('bans', '--json');
    expect((JSON.parse(stdout) as { address: string }[]).map((ban) => ban.address)).toEqual(['10.50.0.3']);
    const refused = lab().startClient({ ...onDevice(1, 'bob'), extra: ['--non-inter'] });
    expect((await refused.process.waitForEnd(20_000)).code).not.toBe(0);
    expect(refused.log).toMatch(/Too many wrong passwords/);
    await (await lab().connect(onDevice(0, 'alice'))).logOut();
    expect((await lab().culvert.command('unban', '10.50.0.3')).code).toBe(0);
    await lab().connect(onDevice(1, 'bob'));
  },
);

onlyProduct(
  'the access log has a line for sign-in, connection and end, with bytes and duration',
  async () => {
    const earlier = lab().culvert.accessLog().length;
    const client = await lab().connect();
    await client.device.namespace.run(['ping', '-n', '-c', '3', '-i', '0.2', corpAddress]);
    await client.logOut();
    const refused = lab().startClient({ password: 'certainly wrong', extra: ['--non-inter'] });
    await refused.process.waitForEnd(20_000);
    const lines = await eventually('the lines are there', () => {
      const fresh = lab().culvert.accessLog().slice(earlier);
      return fresh.some((line) => line.result === 'refused') ? fresh : undefined;
    });
    const events = lines.map((line) =>
      line.result === undefined ? line.event : `${line.event} ${line.result}`,
    );
    expect(events).toEqual(['signIn accepted', 'connect', 'end', 'signIn refused']);
    for (const line of lines) expect(line).toMatchObject({ user: 'alice', platform: 'linux' });
    expect(lines[1]).toMatchObject({ ipv4: expect.stringMatching(/^10\.70\./) });
    expect(lines[2]).toMatchObject({ reason: 'clientDisconnect', durationSeconds: expect.any(Number) });
    expect(Number(lines[2]?.bytesIn)).toBeGreaterThan(200);
    const text = JSON.stringify(lines);
    for (const secret of [...Object.values(labAccounts), 'certainly wrong'])
      expect(text).not.toContain(secret);
  },
);
