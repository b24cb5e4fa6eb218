import fc from 'fast-check';
import { expect, test } from 'vitest';
import { acceptableSamples, newestSample } from './samples.ts';

const now = new Date('2026-11-24T09:00:00.000Z');
const at = (seconds: number) => new Date(now.getTime() + seconds * 1_000).toISOString();

test.each([
  ['a day ago', -86_400, true],
  ['more than a day ago', -86_401, false],
  ['now', 0, true],
  ['by a clock that is a minute ahead', 60, true],
  ['by a clock that is more ahead', 61, false],
])('a sample of %s: %s', (_name, seconds, isTaken) => {
  expect(acceptableSamples([{ at: at(seconds), values: {} }], now)).toHaveLength(isTaken ? 1 : 0);
});

test('the newest of any samples is not older than another', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -86_400, max: 60 })), (seconds) => {
      const samples = seconds.map((one) => ({ at: at(one), values: {} }));
      const newest = newestSample(acceptableSamples(samples, now));
      expect(newest?.at).toBe(seconds.length === 0 ? undefined : at(Math.max(...seconds)));
    }),
  );
});
