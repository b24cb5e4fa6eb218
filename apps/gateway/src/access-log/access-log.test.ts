import { mkdtempSync, readFileSync, renameSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AccessLog, accessLine, endedSessions } from './access-log.ts';

const end = {
  event: 'end',
  session: 'aa',
  user: 'a',
  reason: 'logout',
  bytesIn: 1,
  bytesOut: 2,
  durationSeconds: 3,
} as const;

test('an event is one line of JSON, whatever its texts hold', () => {
  const line = accessLine({ ...end, hostname: 'a\n{"event":"end"}\u001b[2J' }, 0);
  expect(line.indexOf('\n')).toBe(line.length - 1);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what must not occur
  expect(line.trimEnd()).not.toMatch(/[\u0000-\u001f]/);
  expect(JSON.parse(line)).toMatchObject({ time: '1970-01-01T00:00:00.000Z', session: 'aa' });
});

test('the log is appended to, survives rotation, and is not for everybody', () => {
  const path = join(mkdtempSync(join(tmpdir(), 'culvert-')), 'log', 'access.jsonl');
  const log = new AccessLog(path);
  log.write(end, 0);
  renameSync(path, `${path}.1`);
  log.write(end, 0);
  log.reopen();
  log.write({ ...end, session: 'bb' }, 0);
  expect(readFileSync(`${path}.1`, 'utf8').split('\n')).toHaveLength(3);
  expect(log.recentlyEnded()).toEqual(new Set(['bb']));
  expect(statSync(path).mode & 0o777).toBe(0o640);
});

test('a piece of the log with cut-off lines still tells who ended', () => {
  const text = `sion":"zz","event":"end"}\n${accessLine(end, 0)}{"event":"end","sess`;
  expect(endedSessions(text)).toEqual(new Set(['aa']));
});
