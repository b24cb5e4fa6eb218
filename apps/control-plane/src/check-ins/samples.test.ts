import fc from 'fast-check';
import { expect, test } from 'vitest';
import { acceptableSamples, clockCorrection, newestSample } from './samples.ts';

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

test.each([
  ['an hour and a bit behind', -3_610],
  ['two days ahead', 172_800],
  ['ten years ahead', 315_360_000],
])('a clock that is %s loses no sample and moves none by more than half a minute', (_name, off) => {
  const sent = [-90, -30].map((seconds) => ({ at: at(off + seconds), values: {} }));
  const kept = acceptableSamples(sent, now, clockCorrection(at(off), now));
  expect(kept).toHaveLength(2);
  for (const [index, seconds] of [-90, -30].entries()) {
    expect(Math.abs(Date.parse(kept[index]?.at ?? '') - Date.parse(at(seconds)))).toBeLessThanOrEqual(30_000);
  }
});

test('a sample that is sent again a little later has the same time', () => {
  const sample = { at: at(7_190), values: {} };
  const later = new Date(now.getTime() + 5_000);
  const first = acceptableSamples([sample], now, clockCorrection(at(7_200), now));
  expect(first).toHaveLength(1);
  expect(acceptableSamples([sample], later, clockCorrection(at(7_205), later))).toEqual(first);
});

test('a clock that is right enough is not corrected, nor that of an agent that does not tell', () => {
  for (const sentAt of [undefined, at(60), at(-60)]) expect(clockCorrection(sentAt, now)).toBe(0);
});

test('a server keeps one sample of each second at most', () => {
  const sent = [0, 1, 999].map((milliseconds) => ({
    at: new Date(now.getTime() - 5_000 + milliseconds).toISOString(),
    values: {},
  }));
  expect(new Set(acceptableSamples(sent, now).map((sample) => sample.at))).toEqual(new Set([at(-5)]));
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
