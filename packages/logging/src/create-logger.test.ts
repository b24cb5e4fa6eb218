import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { logFilePath } from './log-file.ts';
import { forTerminal, logLine } from './log-line.ts';

/** Runs a script that has a `logger` in a process of its own. */
function run(script: string) {
  const directory = mkdtempSync(join(tmpdir(), 'culvert-logger-'));
  const options = {
    tag: 'mstunnel-server',
    directory,
    level: 'debug',
    journalSocket: join(directory, 'none'),
  };
  const source = `
    import { createLogger } from ${JSON.stringify(join(import.meta.dirname, 'create-logger.ts'))};
    const logger = createLogger({ ...${JSON.stringify(options)}, output: process.stdout });
    ${script}`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<unknown>((resolve) =>
    child.once('exit', (code, signal) => resolve(signal ?? code)),
  );
  const lines = () =>
    readFileSync(logFilePath(directory, 'mstunnel-server'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { child, ended, lines };
}

test('a line has its time, level, tag and message first, and reaches the file and the output alike', async () => {
  const { child, ended, lines } = run(
    `logger.warn({ user: 'alice', password: 'hunter2' }, 'webvpn=abcdef was sent');`,
  );
  const printed = Buffer.concat(await child.stdout.toArray()).toString();
  expect(await ended).toBe(0);
  const [line] = lines();
  expect(Object.keys(line ?? {})).toEqual(['time', 'level', 'tag', 'msg', 'user', 'password']);
  expect(line).toMatchObject({
    level: 'warn',
    tag: 'mstunnel-server',
    msg: 'webvpn=… was sent',
    password: '…',
  });
  expect(JSON.parse(printed)).toEqual(line);
});

test('a reader of the output that goes away ends nobody, and the file has every line', async () => {
  const { child, ended, lines } = run(`
    for (let number = 0; number < 50; number += 1) {
      logger.info({ number }, 'x'.repeat(10_000));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    logger.info('the end');`);
  child.stdout.destroy();
  expect(await ended).toBe(0);
  expect(lines()).toHaveLength(51);
});

test('a process that is killed loses no line that it has written', async () => {
  const { child, ended, lines } = run(`
    for (let number = 0; number < 1000; number += 1) logger.debug({ number }, 'line');
    process.kill(process.pid, 'SIGKILL');`);
  child.stdout.resume();
  expect(await ended).toBe('SIGKILL');
  expect(lines().at(-1)).toMatchObject({ number: 999 });
});

test('a line at a terminal is short, and what it carries does not steer the terminal', () => {
  const line = logLine(
    '{"time":"2026-11-25T00:00:00.000Z","level":"error","tag":"t","msg":"a\\u001b[2J","b":[1]}',
  );
  expect(forTerminal(line)).toMatch(/^\d\d:00:00 error a\?\[2J b=\[1\]$/);
});
