import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bucketOf, resolutionFor } from './resolutions.ts';

const now = new Date('2026-11-24T09:17:30.000Z');
const days = (count: number) => new Date(now.getTime() - count * 86_400_000);

test.each([
  ['an hour', 1 / 24, 0, 'minute'],
  ['a day', 1, 0, 'minute'],
  ['an hour of yesterday', 1.9, 1.8, 'fiveMinutes'],
  ['a week', 7, 0, 'fiveMinutes'],
  ['a day of last month', 30, 29, 'fiveMinutes'],
  ['a month', 31, 0, 'hour'],
  ['an hour of last summer', 150, 149.9, 'hour'],
  ['a year', 365, 0, 'hour'],
] as const)('%s is told in the finest resolution that fits', (_, from, to, resolution) => {
  expect(resolutionFor({ start: days(from), end: days(to) }, now)).toBe(resolution);
});

test('every moment is in exactly one bucket of each resolution', () => {
  const moment = fc.date({ min: new Date(0), max: new Date('2100-01-01T00:00:00Z'), noInvalidDate: true });
  fc.assert(
    fc.property(moment, fc.constantFrom('fiveMinutes', 'hour'), (at, resolution) => {
      const { start, end } = bucketOf(resolution, at);
      expect(start.getTime() <= at.getTime() && at.getTime() < end.getTime()).toBe(true);
      expect(bucketOf(resolution, start)).toEqual({ start, end });
      expect(bucketOf(resolution, end).start).toEqual(end);
      expect(bucketOf('hour', start)).toEqual(bucketOf('hour', at));
    }),
  );
});
