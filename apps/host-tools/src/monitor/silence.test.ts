import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Silence, SteadyHealth } from './silence.ts';

test('what is unwell for the whole limit is told once, and counted anew', () => {
  const silence = new Silence(60_000);
  expect(silence.observe(0, false)).toBe(false);
  expect(silence.observe(59_999, false)).toBe(false);
  expect(silence.observe(60_000, false)).toBe(true);
  expect(silence.observe(61_000, false)).toBe(false);
  expect(silence.observe(121_000, false)).toBe(true);
});

test('one good answer makes it well', () => {
  const silence = new Silence(60_000);
  silence.observe(0, false);
  silence.observe(59_000, true);
  expect(silence.observe(60_000, false)).toBe(false);
});

test('it is told only of what was never well within the limit', () => {
  const looks = fc.array(fc.tuple(fc.integer({ min: 1, max: 20_000 }), fc.boolean()));
  fc.assert(
    fc.property(looks, (observations) => {
      const silence = new Silence(60_000);
      let now = 0;
      let unwellSince: number | undefined;
      for (const [later, isWell] of observations) {
        now += later;
        unwellSince = isWell ? undefined : (unwellSince ?? now);
        if (!silence.observe(now, isWell)) continue;
        expect(unwellSince).toBeDefined();
        expect(now - (unwellSince ?? now)).toBeGreaterThanOrEqual(60_000);
        unwellSince = undefined;
      }
    }),
  );
});

test('health is steady when it lasted, and has failed when it did not come in time', () => {
  const rule = { withinMilliseconds: 60_000, settleMilliseconds: 30_000 };
  const health = new SteadyHealth(0, rule);
  expect(health.observe(10_000, true)).toBe('waiting');
  expect(health.observe(20_000, false)).toBe('waiting');
  // Not counted from before the break.
  expect(health.observe(45_000, true)).toBe('waiting');
  expect(health.observe(74_999, true)).toBe('waiting');
  expect(health.observe(75_000, true)).toBe('steady');
  const late = new SteadyHealth(0, rule);
  expect(late.observe(59_999, false)).toBe('waiting');
  expect(late.observe(60_000, false)).toBe('failed');
});
