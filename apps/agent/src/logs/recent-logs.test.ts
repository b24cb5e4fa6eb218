import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packLines, RecentLogs } from './recent-logs.ts';

const hour = 3_600_000;

function newHost() {
  const directory = mkdtempSync(join(tmpdir(), 'culvert-recent-'));
  const logDirectory = join(directory, 'log');
  mkdirSync(logDirectory);
  const clock = { now: Date.now() };
  const sent: string[][] = [];
  const control = { isAway: false };
  const recent = () =>
    new RecentLogs({
      logDirectory,
      stateFile: join(directory, 'agent', 'recent-logs.json'),
      now: () => new Date(clock.now),
      target: () => ({
        send: async (_method, _path, body) => {
          if (control.isAway) throw new Error('away');
          const text = gunzipSync(body as Buffer).toString();
          sent.push(
            text
              .split('\n')
              .slice(0, -1)
              .map((line) => JSON.parse(line).msg),
          );
          return '';
        },
      }),
    });
  const log = (level: string, msg: string, agoMilliseconds = 0) => {
    const line = { time: new Date(clock.now - agoMilliseconds).toISOString(), level, msg };
    writeFileSync(join(logDirectory, 'mstunnel-server.jsonl'), `${JSON.stringify(line)}\n`, { flag: 'a' });
  };
  return { clock, sent, control, recent, log };
}

test('warnings and errors are sent soon after joining and then each hour, each once', async () => {
  const { clock, sent, recent, log } = newHost();
  log('warn', 'long ago', 48 * hour);
  log('warn', 'before', hour);
  log('info', 'usual');
  log('error', 'webvpn=abcdefgh refused');
  await recent().sendIfDue();
  expect(sent).toEqual([['before', 'webvpn=… refused']]);
  clock.now += hour - 1;
  await recent().sendIfDue();
  expect(sent).toHaveLength(1);
  log('fatal', 'next');
  clock.now += 1;
  await recent().sendIfDue();
  clock.now += hour;
  await recent().sendIfDue();
  expect(sent.slice(1)).toEqual([['next'], []]);
});

test('lines that were not taken go with the next, and a clock that is set back keeps nothing from being sent', async () => {
  const { clock, sent, control, recent, log } = newHost();
  await recent().sendIfDue();
  control.isAway = true;
  clock.now += hour;
  log('warn', 'kept');
  await expect(recent().sendIfDue()).rejects.toThrow('away');
  control.isAway = false;
  clock.now += 60_000;
  await recent().sendIfDue();
  expect(sent).toEqual([[], ['kept']]);
  clock.now -= 1000 * hour;
  await recent().sendIfDue();
  expect(sent).toHaveLength(3);
});

test('what is sent is never larger than the control plane takes, and has the newest lines', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 40, max: 4000 }), (count, most) => {
      const lines = Array.from(
        { length: count },
        (_, index) => `${index} ${randomBytes(20).toString('hex')}`,
      );
      const packed = packLines(lines, most);
      expect(packed.length).toBeLessThanOrEqual(most);
      const kept = gunzipSync(packed).toString().split('\n').slice(0, -1);
      expect(kept).toEqual(lines.slice(lines.length - kept.length));
    }),
  );
});
