import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const createLogger = join(import.meta.dirname, '../../../packages/logging/src/create-logger.ts');

/** Logs, restarts the journal, and logs until the journal has a line of afterwards. */
const script = `
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from ${JSON.stringify(createLogger)};

const until = async (isTrue) => { while (!isTrue()) await sleep(50); };
const socket = '/run/systemd/journal/stdout';
let journald;
const start = async () => {
  journald = spawn('/lib/systemd/systemd-journald', { stdio: 'ignore' });
  await until(() => existsSync(socket));
};
const stop = async () => {
  const ended = new Promise((resolve) => journald.once('exit', resolve));
  journald.kill();
  await ended;
  execFileSync('rm', ['-f', socket]);
};
const read = () => {
  execFileSync('journalctl', ['--sync'], { stdio: 'ignore' });
  const text = execFileSync('journalctl', ['-t', 'mstunnel-server', '-o', 'json', '--no-pager'], { encoding: 'utf8' });
  return text.split('\\n').filter((line) => line !== '').map((line) => JSON.parse(line));
};
const logger = createLogger({ tag: 'mstunnel-server', level: 'debug', output: new PassThrough() });
await start();
for (const level of ['fatal', 'error', 'warn', 'info', 'debug']) logger[level]('webvpn=abcdefgh of ' + level);
await until(() => read().length >= 5);
await stop();
await start();
for (let number = 0; !read().some(({ MESSAGE }) => MESSAGE.includes('after')); number += 1) {
  logger.info({ number }, 'after the journal was started again');
  await sleep(200);
}
console.log(JSON.stringify(read().slice(0, 5).map(({ PRIORITY, SYSLOG_IDENTIFIER, MESSAGE }) => ({ PRIORITY, SYSLOG_IDENTIFIER, MESSAGE }))));
await stop();
process.exit(0);
`;

test('journald of this machine takes every line with its tag and level, also after it was started again', () => {
  // A mount namespace of its own: the journal of the machine, if there is one, sees nothing of it.
  const program = `mount -t tmpfs tmpfs /run && mkdir -p /run/log/journal && exec "$0" --input-type=module --eval "$1"`;
  const result = spawnSync(
    'unshare',
    ['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', program, process.execPath, script],
    { encoding: 'utf8', timeout: 100_000 },
  );
  expect(result.stderr).toBe('');
  const lines = JSON.parse(result.stdout) as Record<string, string>[];
  expect(lines.map(({ PRIORITY }) => PRIORITY)).toEqual(['2', '3', '4', '6', '7']);
  for (const { SYSLOG_IDENTIFIER, MESSAGE = '' } of lines) {
    expect(SYSLOG_IDENTIFIER).toBe('mstunnel-server');
    expect(JSON.parse(MESSAGE)).toMatchObject({
      tag: 'mstunnel-server',
      msg: expect.stringMatching(/^webvpn=… of/),
    });
  }
});
