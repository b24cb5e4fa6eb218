import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyTimes, planKeys, type SigningKey } from './key-rule.ts';

const day = 86_400_000;
const start = Date.parse('2026-11-24T09:00:00Z');

test('the first key signs at once', () => {
  const { due, published } = planKeys([], start);
  expect(due).toEqual({ sequence: 1, publishedAt: start, signsFrom: start });
  expect(published).toEqual([]);
});

test('a key signs for 90 days; the next one is published a day before, and the old one stays a day longer', () => {
  const first = { sequence: 1, publishedAt: start, signsFrom: start };
  expect(planKeys([first], start + 89 * day - 1).due).toBeUndefined();
  const second = planKeys([first], start + 89 * day).due;
  expect(second).toEqual({ sequence: 2, publishedAt: start + 89 * day, signsFrom: start + 90 * day });
  const keys = [first, ...(second === undefined ? [] : [second])];
  expect(planKeys(keys, start + 90 * day - 1).published).toEqual([1, 2]);
  expect(planKeys(keys, start + 90 * day).published).toEqual([2, 1]);
  expect(planKeys(keys, start + 91 * day - 1).stale).toEqual([]);
  expect(planKeys(keys, start + 91 * day)).toMatchObject({ published: [2], stale: [1] });
});

test('after a long rest the old key signs until the new one was published for a day', () => {
  const first = { sequence: 1, publishedAt: start, signsFrom: start };
  const late = start + 200 * day;
  expect(planKeys([first], late).due).toEqual({ sequence: 2, publishedAt: late, signsFrom: late + day });
  expect(planKeys([first], late).published).toEqual([1]);
});

test('however the requests come, there is a key that signs, which was published a day before', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 100 * day }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(steps, (pauses) => {
      let keys: SigningKey[] = [];
      let now = start;
      let signing: SigningKey | undefined;
      for (const pause of pauses) {
        now += pause;
        const { due } = planKeys(keys, now);
        if (due !== undefined) keys = [...keys, due];
        const plan = planKeys(keys, now);
        expect(plan.due).toBeUndefined();
        // Whatever signed last can still be checked, until a day after the next one began.
        const successor = keys.find(({ sequence }) => sequence === (signing?.sequence ?? 0) + 1);
        if (signing !== undefined && (successor === undefined || now < successor.signsFrom + keyTimes.stays))
          expect(plan.published).toContain(signing.sequence);
        signing = keys.find(({ sequence }) => sequence === plan.published[0]);
        expect(signing?.signsFrom).toBeLessThanOrEqual(now);
        if (signing?.sequence !== 1)
          expect((signing?.signsFrom ?? 0) - (signing?.publishedAt ?? 0)).toBeGreaterThanOrEqual(day);
        keys = keys.filter(({ sequence }) => !plan.stale.includes(sequence));
        expect(keys.length).toBeLessThanOrEqual(3);
      }
    }),
  );
});
