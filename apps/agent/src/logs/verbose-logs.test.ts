import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { LevelControl, type LogLevelChange } from '@culvert/logging/level-control.ts';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { gatewayLogLevel } from './gateway-log-level.ts';
import { VerboseLogs } from './verbose-logs.ts';

const start = Date.parse('2026-11-25T00:00:00.000Z');
const at = (minutes: number) => new Date(start + minutes * 60_000).toISOString();

function newHost() {
  const directory = mkdtempSync(join(tmpdir(), 'culvert-verbose-'));
  const clock = { now: start };
  const controlOf = (name: string, level: string) =>
    new LevelControl(pino({ level }, { write: () => {} }), join(directory, name), () => clock.now);
  const own = controlOf('agent', 'info');
  const gateway = { control: controlOf('gateway', 'warn'), isAway: false, changes: 0 };
  const verbose = new VerboseLogs(
    own,
    {
      send: async (method, body) => {
        if (gateway.isAway) throw new Error('no gateway is running');
        if (method === 'GET') return gateway.control.state;
        gateway.changes += 1;
        return method === 'PUT' ? gateway.control.change(body as LogLevelChange) : gateway.control.end();
      },
    },
    pino({ level: 'silent' }),
  );
  return { clock, own, gateway, verbose };
}

test('agent and gateway are verbose until the end, are asked once, and come back to the levels of before', async () => {
  const { clock, own, gateway, verbose } = newHost();
  await verbose.apply(undefined);
  expect(verbose.areOn).toBe(false);
  for (let time = 0; time < 3; time += 1) await verbose.apply(at(60));
  expect([own.state.level, gateway.control.state.level, gateway.changes, verbose.areOn]).toEqual([
    'debug',
    'debug',
    1,
    true,
  ]);
  clock.now = Date.parse(at(60));
  expect([own.state.level, gateway.control.state.level, verbose.areOn]).toEqual(['info', 'warn', false]);
});

test('stopped early the levels of before are back at once', async () => {
  const { own, gateway, verbose } = newHost();
  await verbose.apply(at(60));
  await verbose.apply(undefined);
  expect([own.state.level, gateway.control.state.level, verbose.areOn]).toEqual(['info', 'warn', false]);
});

test('a gateway that is away is told when it is back', async () => {
  const { gateway, verbose } = newHost();
  gateway.isAway = true;
  await verbose.apply(at(60));
  expect(verbose.areOn).toBe(false);
  gateway.isAway = false;
  await verbose.apply(at(60));
  expect([gateway.control.state.level, verbose.areOn]).toEqual(['debug', true]);
});

test('what the administrator of the host has set for a time is left alone', async () => {
  const { gateway, verbose } = newHost();
  gateway.control.change({ level: 'trace', until: at(30) });
  await verbose.apply(undefined);
  expect(gateway.control.state.level).toBe('trace');
});

test('the gateway is asked over its socket, and one that is away or refuses is an error', async () => {
  const socketPath = join(mkdtempSync(join(tmpdir(), 'culvert-verbose-')), 'admin.sock');
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    asked.push(`${request.method} ${request.url} ${await text(request)}`);
    response.writeHead(request.method === 'DELETE' ? 503 : 200).end('{"level":"info","usual":"info"}');
  });
  const gateway = gatewayLogLevel(socketPath);
  await expect(gateway.send('GET')).rejects.toThrow('ENOENT');
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  expect(await gateway.send('PUT', { level: 'debug' })).toEqual({ level: 'info', usual: 'info' });
  await expect(gateway.send('DELETE')).rejects.toThrow('status 503');
  expect(asked).toEqual(['PUT /log-level {"level":"debug"}', 'DELETE /log-level ']);
  server.close();
});
