import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findProcesses, identify, isRunning, parseStat, signalProcess } from './process-identity.ts';

test('a process is known by its id, its start and the boot of the machine', async () => {
  const child = spawn('sleep', ['1000']);
  const identity = identify(child.pid ?? 0);
  if (identity === undefined) throw new Error('it does not run');
  expect(isRunning(identity)).toBe(true);
  expect(isRunning({ ...identity, startTime: '1' })).toBe(false);
  expect(isRunning({ ...identity, bootId: 'another' })).toBe(false);
  // A signal never reaches a process that only has the id.
  expect(signalProcess({ ...identity, startTime: '1' }, 'SIGKILL')).toBe(false);
  expect(isRunning(identity)).toBe(true);
  const ended = once(child, 'exit');
  expect(signalProcess(identity, 'SIGKILL')).toBe(true);
  await ended;
  expect(isRunning(identity)).toBe(false);
  expect(signalProcess(identity, 'SIGKILL')).toBe(false);
});

test('processes are found by their command line', () => {
  const ids = (matches: (words: readonly string[]) => boolean) =>
    findProcesses(matches).map(({ processId }) => processId);
  expect(ids(() => true)).toContain(process.pid);
  expect(ids((words) => words.includes('no process has this parameter'))).toEqual([]);
});

test('the name of a process does not lead astray', () => {
  const name = fc.string({ maxLength: 15 });
  fc.assert(
    fc.property(name, fc.nat(), (text, startTime) => {
      const fields = Array.from({ length: 50 }, (_, index) => String(index + 4));
      fields[18] = String(startTime);
      expect(parseStat(`42 (${text}) S ${fields.join(' ')}`)).toEqual({
        state: 'S',
        startTime: String(startTime),
      });
    }),
  );
});

test('any other text is no state of a process and is no fault', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const found = parseStat(text);
      expect(found === undefined || /^\d+$/.test(found.startTime)).toBe(true);
    }),
  );
});
