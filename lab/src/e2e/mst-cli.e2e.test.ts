import { existsSync, mkdtempSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { serverKind } from '../lab.ts';
import { corpAddress } from '../network/network.ts';
import { execute } from '../system/command.ts';
import { eventually } from '../system/wait.ts';
import { useLab } from './use-lab.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const program = [
  join(repository, 'node_modules/.bin/node'),
  join(repository, 'apps/host-tools/src/main.ts'),
  'mst-cli',
];

const protection = { failuresBeforeBan: 3, banSeconds: 600, neverBan: [] };
const lab = useLab({ network: { devices: 3 }, settings: { gateway: { signInProtection: protection } } });
const onlyProduct = test.runIf(serverKind === 'culvert');

const words = (...parameters: string[]) => [
  ...program,
  '--directory',
  lab().culvert.stateDirectory,
  ...parameters,
];
const cli = (...parameters: string[]) =>
  lab().network.gateway.attempt(words(...parameters), { directory: repository });

async function shown(...parameters: string[]): Promise<string> {
  const { code, stdout, stderr } = await cli(...parameters);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout;
}

async function json(...parameters: string[]): Promise<unknown> {
  return JSON.parse(await shown(...parameters, '--json'));
}

onlyProduct(
  'shows a connected device as user, session and connection, in both languages and as JSON',
  async () => {
    await lab().connect();
    expect(await shown('server', 'show', 'users')).toMatch(
      /^ID +USER +DEVICE .*\n[0-9a-f]{8} +alice +linux .* 10\.70\.\S+ +10\.50\.0\.2 +dtls /,
    );
    const [user] = (await json('server', 'show', 'users')) as { id: string; ipv4: string }[];
    if (user === undefined) throw new Error('alice is connected');
    for (const command of [
      ['user', 'alice'],
      ['id', user.id],
      ['session', user.id.slice(0, 8)],
    ]) {
      const details = await shown('server', 'show', ...command);
      expect(details).toMatch(/^Session: +[0-9a-f]{16}\nUser: +alice\nState: +connected\n/);
      expect(details).toMatch(/\nTLS: +TLS ?v?1\.3/);
      expect(details).toMatch(/\nMTU: +\d{4}\n/);
      expect(details).toMatch(/\nUser agent: .*v9\.01/);
      expect(await json('server', 'show', ...command)).toMatchObject({
        id: user.id,
        user: 'alice',
        tunnel: { interface: 'culvert0' },
      });
    }
    for (const which of ['all', 'valid']) {
      expect(await shown('server', 'show', 'sessions', which)).toContain(user.id.slice(0, 8));
      expect(await json('server', 'show', 'sessions', which)).toHaveLength(1);
    }
    const japanese = await cli('server', 'show', 'user', 'alice', '--lang', 'ja');
    expect(japanese.stdout).toMatch(/^セッション: +[0-9a-f]{16}\nユーザー: +alice\n/);
  },
);

onlyProduct('shows the state of the server and what it has done since its start', async () => {
  const client = await lab().connect();
  await client.device.namespace.run(['ping', '-n', '-c', '3', '-i', '0.2', corpAddress]);
  await client.logOut();
  await eventually('the session has ended', async () => {
    const status = (await json('server', 'show', 'status')) as {
      totals: { ended: Record<string, number>; bytesIn: number };
    };
    return (status.totals.ended.clientDisconnect ?? 0) > 0 && status.totals.bytesIn > 200;
  });
  const status = await shown('server', 'show', 'status');
  expect(status).toMatch(/^Status: +online\nAddress: +vpn\.test:443\n/);
  expect(status).toMatch(/\nSessions handled: +[1-9]/);
  expect(status).toMatch(/\nAddress pool: +10\.70\.0\.0\/16/);
});

onlyProduct('tells events as they happen: who connects, who is refused, who leaves', async () => {
  const feed = lab().network.gateway.start(words('server', 'show', 'events', '--json'), {
    directory: repository,
  });
  await eventually('the feed is open', async () => {
    const refused = lab().startClient({ password: 'certainly wrong', extra: ['--non-inter'] });
    await refused.process.waitForEnd(20_000);
    return feed.output.includes('"refused"');
  });
  const client = await lab().connect();
  await client.logOut();
  await eventually('the end is told', () => feed.output.includes('"end"'));
  await feed.stop('SIGINT');
  const events = feed.output
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const kinds = events.map(({ event, result }) => (result === undefined ? event : `${event} ${result}`));
  expect(kinds.slice(-3)).toEqual(['signIn accepted', 'connect', 'end']);
  expect(JSON.stringify(events)).not.toContain('certainly wrong');
});

onlyProduct(
  'ends a session by the beginning of its id, or all of a user, and says when there is none',
  async () => {
    const first = await lab().connect({ device: lab().network.deviceAt(0) });
    const second = await lab().connect({ device: lab().network.deviceAt(1), user: 'bob' });
    const users = (await json('server', 'show', 'users')) as { id: string; user: string }[];
    const id = users.find(({ user }) => user === 'alice')?.id ?? '';
    expect(await shown('server', 'disconnect', '--session', id.slice(0, 10))).toBe('Ended 1 session.\n');
    await first.process.waitForEnd(10_000);
    expect(await shown('server', 'disconnect', '--user', 'bob', '--message', 'Maintenance')).toContain(
      '1 session',
    );
    await second.process.waitForEnd(10_000);
    expect(await cli('server', 'disconnect', '--user', 'bob')).toMatchObject({
      code: 1,
      stderr: 'bob has no session.\n',
    });
    expect((await cli('server', 'show', 'session', 'ffffffffffff')).stderr).toContain('There is no session');
  },
);

onlyProduct('shows what leads to a ban and the ban itself, and lifts it', async () => {
  const device = lab().network.deviceAt(2);
  const guess = (password: string[]) => lab().startClient({ device, user: 'alice', password });
  await guess(['wrong', 'alice', 'wrong']).process.waitForEnd(40_000);
  expect(await json('server', 'show', 'ip', 'ban', 'points')).toMatchObject({ failuresBeforeBan: 3 });
  await eventually(
    'it is banned',
    async () => {
      await guess(['wrong', 'alice', 'wrong', 'alice', 'wrong']).process.waitForEnd(40_000);
      return ((await json('server', 'show', 'ip', 'bans')) as unknown[]).length > 0;
    },
    90_000,
  );
  expect(await shown('server', 'show', 'ip', 'bans')).toMatch(/\n10\.50\.0\.4 +3 /);
  expect(await shown('server', 'show', 'ip', 'ban', 'points')).toMatch(/\n10\.50\.0\.4 +3\/3 /);
  expect(await shown('server', 'unban', '10.50.0.4')).toBe('Lifted 1 ban.\n');
  expect((await cli('server', 'unban', '10.50.0.4')).code).toBe(1);
  expect(await shown('server', 'unban', '--all')).toBe('Lifted 0 bans.\n');
});

onlyProduct('answers honestly what cannot be: routes of devices, and cookies themselves', async () => {
  expect(await shown('server', 'show', 'iroutes')).toContain('There are none');
  const routes = await cli('server', 'show', 'iroutes', '--json');
  expect(JSON.parse(routes.stdout)).toEqual([]);
  const cookies = await cli('server', 'show', 'cookies', 'all', '--json');
  expect(cookies.stderr).toContain('only hashes of cookies');
  expect(JSON.parse(cookies.stdout)).toEqual([]);
});

onlyProduct(
  'records the packets of a device in a new file that tcpdump reads, and of nobody else',
  async () => {
    const [mine, other] = await Promise.all([
      lab().connect({ device: lab().network.deviceAt(0) }),
      lab().connect({ device: lab().network.deviceAt(1), user: 'bob' }),
    ]);
    const users = (await json('server', 'show', 'users')) as { id: string; user: string; ipv4: string }[];
    const alice = users.find(({ user }) => user === 'alice');
    const directory = mkdtempSync(join(tmpdir(), 'culvert-capture-'));
    const pings = [mine, other].map((client) =>
      client.device.namespace.start(['ping', '-n', '-i', '0.2', corpAddress]),
    );
    for (const word of ['alice', alice?.id ?? '', alice?.ipv4 ?? '']) {
      const file = join(directory, `${word}.pcap`);
      expect(await shown('server', 'capture', word, file, '--packets', '6')).toMatch(/^Recorded 6 packets/);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const { stdout } = await execute(['tcpdump', '-n', '-r', file]);
      const lines = stdout.trim().split('\n');
      expect(lines).toHaveLength(6);
      for (const line of lines) expect(line).toContain(alice?.ipv4);
    }
    const file = join(directory, 'interface.pcap');
    expect(await shown('server', 'capture', 'culvert0', file, '--seconds', '2')).toMatch(
      /^Recorded \d+ packets/,
    );
    const { stdout } = await execute(['tcpdump', '-n', '-r', file]);
    for (const { ipv4 } of users) expect(stdout).toContain(ipv4);
    await Promise.all(pings.map((ping) => ping.stop()));
  },
);

onlyProduct('records over no file and through no link, and says what cannot be recorded', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'culvert-capture-'));
  const there = join(directory, 'there');
  writeFileSync(there, 'kept');
  const link = join(directory, 'link');
  symlinkSync(join(directory, 'elsewhere'), link);
  for (const file of [there, link]) {
    expect((await cli('server', 'capture', 'culvert0', file)).stderr).toContain('is there already');
  }
  expect(statSync(there).size).toBe(4);
  const none = await cli('server', 'capture', 'eth77', join(directory, 'none'));
  expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('eth77') });
  expect(existsSync(join(directory, 'none'))).toBe(false);
  expect((await cli('server', 'capture', '-w', join(directory, 'x'))).code).toBe(2);
  expect((await cli('server', 'capture', 'culvert0', join(directory, 'y'), '--seconds', '0')).code).toBe(2);
});
