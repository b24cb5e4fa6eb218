import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { ensureOwnCertificate } from '@culvert/certificates/self-signed.ts';
import { LevelControl } from '@culvert/logging/level-control.ts';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { EventFeed } from '../access-log/event-feed.ts';
import type { TunnelService } from '../service.ts';
import { AdministrationClient } from './client.ts';
import { runProgram } from './program.ts';
import { type AdministrationServer, serveAdministration } from './server.ts';
import type { Terminal } from './terminal.ts';

const directory = mkdtempSync(join(tmpdir(), 'culvert-admin-'));
const config = join(directory, 'gateway.json');
const socket = join(directory, 'state/run/admin.sock');
const logLevel = new LevelControl(pino({}, { write: () => {} }), join(directory, 'level.json'));
let server: AdministrationServer;

const session = {
  id: '00112233445566ff',
  user: 'alice',
  state: 'connected',
  channel: 'dtls',
  ipv4: '10.70.0.2',
  hostname: 'p\u001b[2J',
  signedInAt: Date.now(),
  endsAt: Date.now() + 60_000,
  bytesIn: 1_234_567,
  bytesOut: 12,
} as const;

const events = new EventFeed();

const service: TunnelService = {
  listen: async () => {},
  onEngineReady: async () => {},
  onEngineLost: () => {},
  drain: () => {},
  finish: async () => {},
  onEngineEvent: () => {},
  reconfigure: () => {},
  sessions: async () => [session],
  disconnect: async (selector, message) =>
    'user' in selector && selector.user === 'alice' && message !== '' ? 2 : 0,
  bans: () => [{ address: '192.0.2.9', failures: 8, until: Date.now() + 90_000 }],
  banPoints: () => ({
    points: [{ address: '192.0.2.7', failures: 2 }],
    failuresBeforeBan: 8,
  }),
  events,
  totals: () => ({ ended: {}, averageSessionSeconds: 0, longestSessionSeconds: 0, bytesIn: 0, bytesOut: 0 }),
  unban: (address) => (address === 'all' || address === '192.0.2.9' ? 1 : 0),
  counters: () => ({ sessions: 1 }),
  capacity: 64_000,
  freeAddress: () => '10.70.255.254',
  close: async () => {},
};

/** What the gateway was asked for over its socket. */
const asked: string[] = [];

async function gateway(...parameters: string[]) {
  const output = { printed: '', complained: '' };
  const terminal: Terminal = {
    interactive: false,
    print: (text) => {
      output.printed += `${text}\n`;
    },
    complain: (text) => {
      output.complained += `${text}\n`;
    },
    readSecret: async () => 'correct horse',
  };
  const exit = await runProgram(parameters, terminal);
  return { ...output, exit };
}

beforeAll(async () => {
  await ensureOwnCertificate(join(directory, 'certs'), 'vpn.example.com', new Date());
  mkdirSync(join(directory, 'state/run'), { recursive: true });
  writeFileSync(
    config,
    JSON.stringify({
      publicAddress: 'vpn.example.com',
      serverConfiguration: { displayName: 'lab', network: '10.70.0.0/16', dnsServers: ['10.60.0.53'] },
      tls: { certificateFile: 'certs/site.crt', privateKeyFile: 'certs/site.key' },
      authentication: [{ kind: 'passwordFile', file: 'users' }],
      stateDirectory: 'state',
    }),
  );
  server = await serveAdministration(socket, {
    measurements: {
      front: async () => ({ chain: [], status: 200 }),
      latency: async () => Promise.reject(new Error('the gateway has no engine, so no packet passes')),
      traffic: async () => ({ interfaces: [] }),
    },
    service,
    askForHandOver: () => asked.push('handOver'),
    replaceEngine: async () => true,
    status: async () => ({
      version: '1.2.0',
      processId: 7,
      proxyProtocol: false,
      file: config,
      publicAddress: 'vpn.example.com',
      listenPort: 443,
      startedAt: Date.now(),
      engine: { connected: true, counters: {} },
      sessions: { connected: 1, away: 0, capacity: 64_000 },
      counters: {},
      totals: service.totals(),
      tunnel: {
        interface: 'culvert0',
        network: '10.70.0.0/16',
        mtu: 1434,
        deadPeerDetectionSeconds: 30,
        dnsServers: [],
        splitDns: [],
        routeIncludes: [],
        routeExcludes: [],
      },
    }),
    logLevel,
    reload: async () => ({
      applied: false,
      needsRestart: false,
      problems: [{ path: 'tls', message: 'bad' }],
      warnings: [],
    }),
  });
});
afterAll(() => server.close());

test('a hand over is answered before the process begins with it', async () => {
  const client = new AdministrationClient(config);
  expect(await client.post('/hand-over')).toEqual({});
  await vi.waitFor(() => expect(asked).toEqual(['handOver']));
  expect(await client.post('/replace-engine')).toEqual({ replaced: true });
});

describe('the commands of the administrator', () => {
  test('list sessions, and what a device says of itself does not steer the terminal', async () => {
    const { printed, exit } = await gateway('sessions', '--config', config);
    expect(printed).toMatch(
      /^ID +USER .*\n00112233445566ff +alice +connected +dtls +10\.70\.0\.2 .* 1\.2 MB +12 B\n$/,
    );
    expect(printed).not.toContain('\u001b');
    expect(exit).toBe(0);
    expect(JSON.parse((await gateway('sessions', '--json', '--config', config)).printed)).toEqual([session]);
  });

  test('disconnect a user, and fail for one without a session', async () => {
    expect(await gateway('disconnect', '--user', 'alice', '--config', config)).toMatchObject({
      exit: 0,
      printed: 'Disconnected 2 sessions.\n',
    });
    expect(await gateway('disconnect', '--user', 'bob', '--config', config)).toMatchObject({
      exit: 1,
      complained: 'bob has no session\n',
    });
    expect(
      await gateway('disconnect', '--user', 'alice', '--message', 'a\nb', '--config', config),
    ).toMatchObject({ exit: 1, complained: expect.stringContaining('must be one line') });
  });

  test('list and lift bans', async () => {
    expect((await gateway('bans', '--config', config)).printed).toMatch(/192\.0\.2\.9 +8 +1 min/);
    expect((await gateway('unban', '192.0.2.9', '--config', config)).exit).toBe(0);
    expect((await gateway('unban', '192.0.2.10', '--config', config)).complained).toBe(
      '192.0.2.10 is not banned\n',
    );
    expect((await gateway('unban', '--all', '--config', config)).exit).toBe(0);
  });

  test('tell every problem of a refused reload', async () => {
    expect(await gateway('reload', '--config', config)).toMatchObject({
      exit: 1,
      complained: expect.stringContaining('problem  tls: bad'),
    });
  });

  test.each([
    [['disconnect']],
    [['disconnect', '--session', 'a', '--user', 'b']],
    [['unban']],
    [['unban', '1.2.3.4', '--all']],
    [['passwd', 'x']],
    [['dance']],
  ])('answer wrong use (%j) with exit status 2', async (parameters) => {
    expect((await gateway(...parameters)).exit).toBe(2);
  });

  test('say when no gateway runs, and what starts it', async () => {
    const other = join(directory, 'other.json');
    writeFileSync(other, '{ "stateDirectory": "elsewhere" }');
    const { complained, exit } = await gateway('status', '--config', other);
    expect(complained).toContain(`no gateway is running with this configuration: ${other}\nstart it with`);
    expect(exit).toBe(1);
  });

  test('add an account and explain the configuration', async () => {
    const users = join(directory, 'users');
    expect(await gateway('passwd', '--file', users, 'alice')).toMatchObject({ exit: 0 });
    expect(readFileSync(users, 'utf8')).toMatch(/^alice:\$argon2id\$/);
    const { printed, exit } = await gateway('check', '--config', config);
    expect(exit).toBe(0);
    for (const words of [
      'port 443, TCP and UDP',
      '65,533 devices',
      'full: all traffic',
      'user name and password',
      'EC P-256',
    ]) {
      expect(printed).toContain(words);
    }
    expect(JSON.parse((await gateway('check', '--json', '--config', config)).printed)).toMatchObject({
      valid: true,
      problems: [],
    });
  });

  test('change the level of the log for a time, and bring the usual one back', async () => {
    const send = async (method: string, body?: object) => {
      const headers = body === undefined ? {} : { 'content-type': 'application/json' };
      const sent = request({ socketPath: socket, method, path: '/log-level', headers });
      sent.end(body === undefined ? undefined : JSON.stringify(body));
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      return [response.statusCode, await json(response)];
    };
    const until = new Date(Date.now() + 3_600_000).toISOString();
    expect(await send('GET')).toEqual([200, { level: 'info', usual: 'info' }]);
    expect(await send('PUT', { level: 'debug', until })).toEqual([
      200,
      { level: 'debug', until, usual: 'info' },
    ]);
    expect(await send('PUT', { level: 'loud' })).toMatchObject([
      400,
      { error: expect.stringContaining('level') },
    ]);
    expect((await send('GET'))[1]).toMatchObject({ level: 'debug' });
    expect(await send('DELETE')).toEqual([200, { level: 'info', usual: 'info' }]);
  });

  test('talk over a socket that nobody else may use', () => {
    expect(statSync(socket).mode & 0o777).toBe(0o600);
  });
});

test('events are told line by line while they happen, and the reader who leaves is forgotten', async () => {
  const sent = request({ socketPath: socket, path: '/events' });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  events.publish({ event: 'ban', address: '192.0.2.9', failures: 8, until: 1 }, 0);
  const [piece] = (await once(response, 'data')) as [Buffer];
  expect(JSON.parse(piece.toString())).toMatchObject({ event: 'ban', address: '192.0.2.9' });
  const others = Array.from({ length: 7 }, () => events.subscribe());
  expect(others.at(-1)).toBeDefined();
  expect(events.subscribe()).toBeUndefined();
  response.destroy();
  await vi.waitFor(() => expect(events.subscribe()).toBeDefined());
  await Promise.all(others.map((reader) => reader?.return?.()));
});

test('the agent can have what the gateway measures, or why it cannot', async () => {
  const client = new AdministrationClient(config);
  expect(await client.get('/measurements/front')).toEqual({ chain: [], status: 200 });
  expect(await client.get('/measurements/traffic')).toEqual({ interfaces: [] });
  await expect(client.get('/measurements/latency')).rejects.toThrow('the gateway has no engine');
});
