import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextAttempt, triedFor } from './retry.ts';

const start = new Date('2026-11-24T09:00:00.000Z');

/** The moments of all attempts of a message whose receiver never answers. */
function attempts(random: number): number[] {
  const moments = [start.getTime()];
  for (let failures = 1; ; failures += 1) {
    const now = new Date(moments.at(-1) ?? 0);
    const next = nextAttempt({ createdAt: start, failures }, now, random);
    if (next === undefined) return moments;
    moments.push(next.getTime());
  }
}

test('a message that fails is tried again after half a minute, then ever later, for a day', () => {
  const minutes = attempts(0.5).map((moment) => Math.round((moment - start.getTime()) / 60_000));
  expect(minutes.slice(0, 7)).toEqual([0, 1, 2, 4, 8, 16, 32]);
  expect(minutes.at(-1)).toBeGreaterThan(20 * 60);
});

test('whatever the jitter, attempts are later and later, few, and never after a day', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (random) => {
      const moments = attempts(random);
      expect(moments.length).toBeLessThan(30);
      expect(moments.every((moment, place) => place === 0 || moment > (moments[place - 1] ?? 0))).toBe(true);
      expect((moments.at(-1) ?? 0) - start.getTime()).toBeLessThanOrEqual(triedFor);
    }),
  );
});
