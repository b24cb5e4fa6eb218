import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BoundedMap } from './bounded-map.ts';
import { delayAfter, GuessingGuard } from './guessing-guard.ts';
import { SlidingCount } from './sliding-count.ts';

const minute = 60_000;
const rules = { failuresBeforeBan: 3, banSeconds: 300, neverBan: ['192.0.2.99', '2001:db8::99'] };

describe('the guard against guessing', () => {
  test('bans an address at the configured number of failures, for the configured time', () => {
    const guard = new GuessingGuard(rules);
    expect(guard.failed('192.0.2.1', 'a', 0)).toBeUndefined();
    expect(guard.failed('192.0.2.1', 'b', 0)).toBeUndefined();
    expect(guard.failed('192.0.2.1', 'c', 0)).toBe(300_000);
    expect(guard.begin('192.0.2.1', 'd', 299_999)).toEqual({ kind: 'banned', until: 300_000 });
    expect(guard.begin('192.0.2.2', 'd', 0).kind).toBe('proceed');
    expect(guard.begin('192.0.2.1', 'd', 300_000).kind).toBe('proceed');
  });

  test('forgets failures after twenty minutes', () => {
    const guard = new GuessingGuard(rules);
    guard.failed('192.0.2.1', 'a', 0);
    guard.failed('192.0.2.1', 'a', 0);
    expect(guard.failed('192.0.2.1', 'a', 20 * minute)).toBeUndefined();
  });

  test('counts a /64 as one address and never bans the listed ones', () => {
    const guard = new GuessingGuard(rules);
    guard.failed('2001:db8:1::1', 'a', 0);
    guard.failed('2001:db8:1::2', 'a', 0);
    expect(guard.failed('2001:db8:1::3', 'a', 0)).toBeDefined();
    for (let failure = 0; failure < 20; failure += 1) {
      expect(guard.failed('192.0.2.99', 'a', 0)).toBeUndefined();
      expect(guard.failed('2001:db8:0:0::99', 'a', 0)).toBeUndefined();
    }
  });

  test('slows an account down but never locks it', () => {
    const guard = new GuessingGuard({ ...rules, failuresBeforeBan: 1000 });
    const delays = Array.from({ length: 40 }, (_, index) => {
      guard.failed(`198.51.100.${index}`, 'Alice', 0);
      const verdict = guard.begin('192.0.2.1', 'alice', 0);
      guard.end('alice');
      return verdict.kind === 'proceed' ? verdict.delayMilliseconds : -1;
    });
    expect(delays.slice(0, 7)).toEqual([0, 0, 500, 1000, 2000, 4000, 8000]);
    expect(delays.at(-1)).toBe(8000);
    guard.succeeded('ALICE');
    expect(guard.begin('192.0.2.1', 'alice', 0)).toEqual({ kind: 'proceed', delayMilliseconds: 0 });
  });

  test('slows many guesses at once like many in a row', () => {
    const guard = new GuessingGuard(rules);
    const delays = Array.from({ length: 5 }, (_, index) => guard.begin(`198.51.100.${index}`, 'alice', 0));
    expect(delays.map((verdict) => verdict.kind === 'proceed' && verdict.delayMilliseconds)).toEqual([
      0, 0, 0, 500, 1000,
    ]);
  });

  test('lifts bans one by one, by address of a /64, and all', () => {
    const guard = new GuessingGuard({ ...rules, failuresBeforeBan: 1 });
    for (const address of ['192.0.2.1', '192.0.2.2', '2001:db8::1']) guard.failed(address, 'a', 0);
    expect(guard.bans(1)).toHaveLength(3);
    expect(guard.unban('192.0.2.1', 1)).toBe(1);
    expect(guard.unban('192.0.2.1', 1)).toBe(0);
    expect(guard.unban('2001:db8::/64', 1)).toBe(1);
    expect(guard.unban('all', 1)).toBe(1);
    expect(guard.bans(1)).toEqual([]);
  });

  test('tells what counts against each address, with the ban that it brought, and hears of it when it begins', () => {
    const heard: unknown[] = [];
    const guard = new GuessingGuard({ ...rules, failuresBeforeBan: 2, banSeconds: 60 }, (ban, at) =>
      heard.push([ban, at]),
    );
    guard.failed('192.0.2.1', 'a', 0);
    guard.failed('192.0.2.2', 'a', 0);
    expect(heard).toEqual([]);
    guard.failed('192.0.2.2', 'b', 5);
    expect(heard).toEqual([[{ address: '192.0.2.2', failures: 2, until: 60_005 }, 5]]);
    expect(guard.points(6)).toEqual([
      { address: '192.0.2.2', failures: 2, bannedUntil: 60_005 },
      { address: '192.0.2.1', failures: 1 },
    ]);
    expect(guard.points(25 * minute)).toEqual([]);
  });

  test('never waits longer than eight seconds', () => {
    fc.assert(fc.property(fc.nat(), (failures) => delayAfter(failures) <= 8000));
  });
});

test('a sliding count equals a count of the events of the last minutes', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3_600_000), { minLength: 1, maxLength: 100 }), (times) => {
      times.sort((left, right) => left - right);
      const count = new SlidingCount();
      for (const [index, time] of times.entries()) {
        const oldest = Math.floor(time / minute) - 20;
        const expected = times
          .slice(0, index + 1)
          .filter((other) => Math.floor(other / minute) > oldest).length;
        expect(count.add(time)).toBe(expected);
      }
    }),
  );
});

test('a bounded map forgets what was not used for longest', () => {
  const map = new BoundedMap<string, number>(2);
  map.set('a', 1);
  map.set('b', 2);
  map.get('a');
  map.set('c', 3);
  expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual([1, undefined, 3, 2]);
});
