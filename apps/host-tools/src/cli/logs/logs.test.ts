import { appendFileSync, mkdirSync, mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { RecordedTerminal } from '../../program/testing.ts';
import { runTool } from '../../program/tool.ts';
import { cliTool } from '../program.ts';
import { followLog, readLog } from './log-files.ts';
import { logWords } from './logs.ts';
import { readSince } from './since.ts';

const line = (time: string, message: string) => JSON.stringify({ level: 'info', time, msg: message });

function server(): { directory: string; log: string } {
  const directory = mkdtempSync(join(tmpdir(), 'culvert-logs-'));
  const log = join(directory, 'log');
  return { directory, log };
}

async function cli(directory: string, ...words: string[]) {
  const terminal = new RecordedTerminal();
  const status = await runTool(cliTool, ['--directory', directory, ...words], terminal, {});
  return { status, printed: terminal.printed, complained: terminal.complained };
}

test('the time of --since is a time, or how long ago', () => {
  const now = Date.parse('2026-01-31T12:00:00Z');
  expect(readSince('15m', now)).toBe(now - 900_000);
  expect(readSince('1h30m', now)).toBe(now - 5_400_000);
  expect(readSince('2026-01-31T08:00:00Z', now)).toBe(now - 4 * 3_600_000);
  expect(readSince(String(now / 1000), now)).toBe(now);
  for (const text of ['', 'yesterday', '15', '-5m', '5 m', '2026-99-99'])
    expect(() => readSince(text, now)).toThrow('--since');
});

test('an engine is asked for exactly the lines that are wanted', () => {
  expect(logWords({ tail: 0 })).toEqual([]);
  expect(logWords({ follow: true, since: 0, tail: 5, timestamps: true })).toEqual([
    '--follow',
    '--since',
    '1970-01-01T00:00:00.000Z',
    '--tail',
    '5',
    '--timestamps',
  ]);
});

test('the log of a process is that of all its files, oldest first, and steers no terminal', async () => {
  const { directory, log } = server();
  mkdirSync(log);
  writeFileSync(join(log, 'mstunnel-server.1.jsonl'), `${line('2026-01-01T00:00:00.000Z', 'old')}\n`);
  writeFileSync(
    join(log, 'mstunnel-server.jsonl'),
    `${line('2026-01-02T00:00:00.000Z', 'new')}\nraw \u001b[2J\n`,
  );
  writeFileSync(join(log, 'mstunnel-agent.jsonl'), `${line('2026-01-02T00:00:00.000Z', 'agent')}\n`);
  const all = await cli(directory, 'server', 'logs');
  expect(all.status).toBe(0);
  expect(all.printed).toMatch(/^.*old.*\n.*new.*\nraw \?\[2J\n$/);
  expect((await cli(directory, 'server', 'logs', '--tail', '1')).printed).toBe('raw ?[2J\n');
  expect((await cli(directory, 'server', 'logs', '--since', '2026-01-01T12:00:00Z')).printed).not.toContain(
    'old',
  );
  expect((await cli(directory, 'agent', 'logs', '-t')).printed).toMatch(/^2026-01-02T00:00:00\.000Z \{/);
  expect((await cli(directory, 'server', 'logs', '--tail', 'x')).status).toBe(2);
});

test('a server that has not logged yet has an empty log', async () => {
  expect(await cli(server().directory, 'agent', 'logs')).toEqual({ status: 0, printed: '', complained: '' });
});

test('a log that is followed goes on over its rotation', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'culvert-logs-'));
  const file = join(directory, 'mstunnel-server.jsonl');
  writeFileSync(file, 'before\n');
  const { lines, next } = await readLog(directory, 'mstunnel-server');
  expect(lines).toEqual(['before']);
  const abort = new AbortController();
  const seen: string[] = [];
  const reading = (async () => {
    for await (const one of followLog(directory, 'mstunnel-server', next, abort.signal)) seen.push(one);
  })();
  await vi.waitFor(() => {
    appendFileSync(file, 'first\n');
    expect(seen).toContain('first');
  });
  appendFileSync(file, 'last of the old\n');
  renameSync(file, join(directory, 'mstunnel-server.1.jsonl'));
  writeFileSync(file, 'first of the new\n');
  await vi.waitFor(() => expect(seen).toContain('first of the new'), { timeout: 3_000 });
  expect(seen).toContain('last of the old');
  expect(seen).not.toContain('before');
  abort.abort();
  await reading;
});
