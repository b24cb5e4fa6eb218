import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { type MonitorStatus, monitorStatusSchema } from '@culvert/contracts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Refusal } from './monitor.ts';
import { ReleaseError } from './releases.ts';
import { serveMonitor } from './serve-monitor.ts';

const status: MonitorStatus = {
  version: '1.0.0',
  available: ['1.0.0'],
  processes: {
    server: { state: 'running', processId: 7, endings: 0 },
    agent: { state: 'waiting', endings: 2 },
  },
};

let directory: string;
let socketPath: string;
let asked: string[];
let close: (() => Promise<void>) | undefined;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'monitor-'));
  socketPath = join(directory, 'monitor.sock');
  asked = [];
});
afterEach(async () => {
  await close?.();
  close = undefined;
  rmSync(directory, { recursive: true });
});

async function serve(): Promise<void> {
  const server = await serveMonitor(socketPath, {
    status: async () => status,
    startProcess: async (name) => {
      asked.push(`start ${name}`);
    },
    stopProcess: async (name) => {
      asked.push(`stop ${name}`);
    },
    restart: async (name) => {
      asked.push(name);
      if (name === 'agent') throw new Refusal({ en: 'an upgrade is under way', ja: '実行中です' });
    },
    upgrade: async (version) => {
      asked.push(version);
      if (version === '9.0.0') throw new ReleaseError('there is no release 9.0.0');
    },
  });
  close = () => server.close();
}

async function ask(method: string, path: string, body?: unknown) {
  return new Promise<{ status: number; body: unknown }>((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const sent = request({ socketPath, method, path, headers }, async (response) => {
      resolve({ status: response.statusCode ?? 0, body: await json(response) });
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

test('the socket is for its own user, and tells the status as it was agreed on', async () => {
  await serve();
  expect(statSync(socketPath).mode & 0o777).toBe(0o600);
  const answer = await ask('GET', '/status');
  expect(monitorStatusSchema.parse(answer.body)).toEqual(status);
});

test('what is asked for is done, and what cannot be is refused with the reason', async () => {
  await serve();
  expect(await ask('POST', '/restart', { process: 'server' })).toEqual({ status: 200, body: {} });
  expect(await ask('POST', '/restart', { process: 'agent' })).toEqual({
    status: 409,
    body: { error: 'an upgrade is under way', text: { en: 'an upgrade is under way', ja: '実行中です' } },
  });
  expect(await ask('POST', '/upgrade', { version: '1.1.0' })).toEqual({ status: 202, body: {} });
  expect(await ask('POST', '/upgrade', { version: '9.0.0' })).toEqual({
    status: 422,
    body: { error: 'there is no release 9.0.0' },
  });
  expect((await ask('POST', '/stop', { process: 'server' })).status).toBe(200);
  expect((await ask('POST', '/start', { process: 'server' })).status).toBe(200);
  expect(asked).toEqual(['server', 'agent', '1.1.0', '9.0.0', 'stop server', 'start server']);
});

test.each([
  ['/restart', { process: 'engine' }],
  ['/restart', {}],
  ['/stop', { process: 'engine' }],
  ['/start', {}],
  ['/upgrade', { version: '../1.0.0' }],
  ['/upgrade', { version: '1.0.0', force: true }],
])('%s with %j is refused and does nothing', async (path, body) => {
  await serve();
  expect((await ask('POST', path, body)).status).toBe(400);
  expect(asked).toEqual([]);
});

test('a second monitor of the same host does not start', async () => {
  await serve();
  const nothing = async () => {};
  const other = {
    status: async () => status,
    startProcess: nothing,
    stopProcess: nothing,
    restart: nothing,
    upgrade: nothing,
  };
  await expect(serveMonitor(socketPath, other)).rejects.toThrow('a monitor runs already');
  expect((await ask('GET', '/status')).status).toBe(200);
});

test('the socket of a killed monitor is in nobody’s way', async () => {
  const listen = `require('net').createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', listen]);
  expect(statSync(socketPath).isSocket()).toBe(true);
  await serve();
  expect((await ask('GET', '/status')).status).toBe(200);
});
