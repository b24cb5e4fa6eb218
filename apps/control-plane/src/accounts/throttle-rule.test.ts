import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addressKeyOf } from './address-key.ts';
import {
  addressRule,
  countFailure,
  type FailureCount,
  knownAddressRule,
  type ThrottleRule,
  unknownAddressRule,
  waitOf,
} from './throttle-rule.ts';

const rules = fc.constantFrom(addressRule, knownAddressRule, unknownAddressRule);
const time = fc.integer({ min: 0, max: 4_102_444_800_000 });
const pause = fc.integer({ min: 0, max: 2 * 3_600_000 });
const count = fc.record({ failures: fc.nat({ max: 100_000 }), lastFailureAt: time });
const day = 86_400_000;

test('the wait grows with the failures and never passes the longest', () => {
  fc.assert(
    fc.property(rules, count, pause, (rule, before, passed) => {
      const now = before.lastFailureAt + passed;
      const wait = waitOf(rule, before, now);
      const more = waitOf(rule, { ...before, failures: before.failures + 1 }, now);
      expect(wait).toBeGreaterThanOrEqual(0);
      expect(more).toBeGreaterThanOrEqual(wait);
      expect(more).toBeLessThanOrEqual(rule.longestWait);
    }),
  );
});

test('who waits as long as was told may try', () => {
  fc.assert(
    fc.property(rules, count, pause, (rule, before, passed) => {
      const now = before.lastFailureAt + passed;
      expect(waitOf(rule, before, now + waitOf(rule, before, now))).toBe(0);
    }),
  );
});

test('the first failures are free', () => {
  fc.assert(
    fc.property(rules, fc.nat({ max: 20 }), time, (rule, failures, now) => {
      expect(waitOf(rule, { failures, lastFailureAt: now }, now) === 0).toBe(failures < rule.free);
    }),
  );
  expect(waitOf(addressRule, undefined, 0)).toBe(0);
});

test('a failure that the clock of another replica puts into the future counts as one of now', () => {
  fc.assert(
    fc.property(rules, count, pause, (rule, before, ahead) => {
      const then = waitOf(rule, before, before.lastFailureAt);
      expect(waitOf(rule, before, before.lastFailureAt - ahead)).toBe(then);
    }),
  );
});

test('a count grows by one, and begins anew when it is forgotten', () => {
  fc.assert(
    fc.property(rules, count, pause, (rule, before, passed) => {
      const now = before.lastFailureAt + passed;
      const { failures, lastFailureAt } = countFailure(rule, before, now);
      expect(failures).toBe(passed >= rule.forgetAfter ? 1 : before.failures + 1);
      expect(lastFailureAt).toBe(now);
    }),
  );
});

/** Attempts of somebody who tries at the first moment that is allowed, and now and then later. */
function attemptsOfADay(rule: ThrottleRule, delays: readonly number[]): number {
  let now = 0;
  let attempts = 0;
  let failures: FailureCount | undefined;
  while (now < day) {
    failures = countFailure(rule, failures, now);
    attempts += 1;
    now += Math.max(waitOf(rule, failures, now), 1) + (delays[attempts % delays.length] ?? 0);
  }
  return attempts;
}

test('no schedule of attempts gives an address more than a hundred and some guesses a day', () => {
  const delays = fc.array(fc.integer({ min: 0, max: 3_700_000 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(delays, (chosen) => {
      // Waiting to be forgotten gives eleven an hour and costs the hour.
      expect(attemptsOfADay(addressRule, chosen)).toBeLessThan(24 * 11);
      expect(attemptsOfADay(unknownAddressRule, chosen)).toBeLessThan(24 * 60 + 20);
    }),
  );
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::', '2001:db8:1:2::/64'],
  ['fe80::1%eth0', 'fe80::/64'],
  ['::1', '::/64'],
  ['192.0.2.7:4711', '192.0.2.7'],
  ['[2001:db8:1:2::9]:4711', '2001:db8:1:2::/64'],
  ['[2001:db8:1:2::9]', '2001:db8:1:2::/64'],
  ['unknown', 'no address'],
  ['192.0.2.7:4711:1', 'no address'],
  ['192.0.2.7:471100', 'no address'],
  ['[192.0.2.7', 'no address'],
  ['', 'no address'],
])('address %s counts as %s', (address, key) => {
  expect(addressKeyOf(address)).toBe(key);
});
