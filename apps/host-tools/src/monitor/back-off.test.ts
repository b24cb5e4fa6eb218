import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backOffRule, delayAfter } from './back-off.ts';

test('a process that ends at once is started again later each time, up to half a minute', () => {
  const delays: number[] = [];
  for (let times = 0; times < 7; times += 1) delays.push(delayAfter(delays.at(-1), 0, backOffRule));
  expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
});

test('a process that ran well for a minute is started again after a second', () => {
  expect(delayAfter(30_000, 60_000, backOffRule)).toBe(1_000);
  expect(delayAfter(30_000, 59_999, backOffRule)).toBe(30_000);
});

test('whatever happened, the wait is between a second and half a minute', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 120_000 })), (runs) => {
      let delay: number | undefined;
      for (const ran of runs) {
        delay = delayAfter(delay, ran, backOffRule);
        expect(delay).toBeGreaterThanOrEqual(1_000);
        expect(delay).toBeLessThanOrEqual(30_000);
      }
    }),
  );
});
