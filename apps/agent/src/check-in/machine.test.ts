import { agentRefusalCodes } from '@culvert/contracts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backOff, pace, spread } from './delays.ts';
import { type CheckInEvent, type CheckInState, endsMembership, firstState, step } from './machine.ts';

const randoms = fc.double({ min: 0, max: 0.999_999, noNaN: true });
const retryAfter = fc.option(fc.integer({ min: 1000, max: 3_600_000 }), { nil: undefined });
const cursor = fc.constant('c');

/** What may happen in a state: answers come only to what was asked. */
function possible(state: CheckInState): fc.Arbitrary<CheckInEvent>[] {
  return [
    fc.constant({ kind: 'tick' }),
    fc.constant({ kind: 'news' }),
    fc.constant({ kind: 'joined' }),
    ...(state.isCheckingIn
      ? [
          fc.record({
            kind: fc.constant('answered' as const),
            nextSeconds: fc.integer({ min: 5, max: 3600 }),
            cursor,
          }),
          retryAfter.map((value) => ({
            kind: 'failed' as const,
            ...(value === undefined ? {} : { retryAfter: value }),
          })),
          fc.record({ kind: fc.constant('refused' as const), code: fc.constantFrom(...agentRefusalCodes) }),
        ]
      : []),
    ...(state.isWaiting
      ? [
          fc.record({ kind: fc.constant('waitAnswered' as const), hasChanged: fc.boolean(), cursor }),
          fc.constant({ kind: 'waitFailed' as const }),
        ]
      : []),
  ] as fc.Arbitrary<CheckInEvent>[];
}

describe('whatever happens in whatever order', () => {
  test('there is one check-in and one held request at a time, and the next check-in is never given up', () => {
    fc.assert(
      fc.property(fc.gen(), fc.integer({ min: 1, max: 60 }), (any, length) => {
        let now = 0;
        let state = firstState(now);
        let checkIns = 0;
        let waits = 0;
        for (let index = 0; index < length; index += 1) {
          now += any(() => fc.integer({ min: 0, max: 400_000 }));
          const event = any(
            (candidates: fc.Arbitrary<CheckInEvent>[]) => fc.oneof(...candidates),
            possible(state),
          );
          if (['answered', 'failed', 'refused'].includes(event.kind)) checkIns -= 1;
          if (['waitAnswered', 'waitFailed'].includes(event.kind)) waits -= 1;
          const result = step(
            state,
            event,
            now,
            any(() => randoms),
          );
          state = result.state;
          checkIns += result.actions.filter(({ kind }) => kind === 'checkIn').length;
          waits += result.actions.filter(({ kind }) => kind === 'wait').length;
          expect(checkIns).toBe(state.isCheckingIn ? 1 : 0);
          expect(waits).toBe(state.isWaiting ? 1 : 0);
          expect(state.isCheckingIn || state.dueAt > now).toBe(true);
          expect(state.dueAt - now).toBeLessThanOrEqual(3_600_000 * 1.1 + pace.longestBackOff);
        }
      }),
    );
  });

  test('what is to be told while a check-in is under way is told in one that follows', () => {
    fc.assert(
      fc.property(randoms, fc.integer({ min: 0, max: 5000 }), (random, took) => {
        let { state } = step(firstState(0), { kind: 'tick' }, 0, random);
        ({ state } = step(state, { kind: 'news' }, took, random));
        ({ state } = step(state, { kind: 'answered', nextSeconds: 60, cursor: 'a' }, took, random));
        expect(state.isCheckingIn || state.dueAt <= took + pace.atOnce).toBe(true);
      }),
    );
  });
});

describe('a check-in that was answered', () => {
  const answered = (random: number) => {
    const { state } = step(firstState(0), { kind: 'tick' }, 0, random);
    return step(state, { kind: 'answered', nextSeconds: 60, cursor: 'a' }, 100, random);
  };

  test('is followed by the next one after the time that was asked for, a tenth more or less', () => {
    fc.assert(
      fc.property(randoms, (random) => {
        const { dueAt } = answered(random).state;
        expect(dueAt).toBeGreaterThanOrEqual(100 + 54_000);
        expect(dueAt).toBeLessThanOrEqual(100 + 66_000);
      }),
    );
  });

  test('begins to wait with its cursor, and goes on waiting as long as nothing has changed', () => {
    const first = answered(0.5);
    expect(first.actions).toEqual([{ kind: 'wait', cursor: 'a' }]);
    const second = step(first.state, { kind: 'waitAnswered', hasChanged: false, cursor: 'a' }, 50_000, 0.5);
    expect(second.actions).toEqual([{ kind: 'wait', cursor: 'a' }]);
  });

  test('is followed by another at once when something has changed', () => {
    const { actions } = step(
      answered(0.5).state,
      { kind: 'waitAnswered', hasChanged: true, cursor: 'a' },
      20_000,
      0.5,
    );
    expect(actions).toEqual([{ kind: 'checkIn' }]);
  });

  test('is not followed by more than one a second, however often something changes', () => {
    const { state, actions } = step(answered(0.5).state, { kind: 'news' }, 200, 0.5);
    expect(actions).toEqual([]);
    expect(state.dueAt).toBe(pace.atOnce);
  });

  test('whose held request is cut off is followed by one within ten seconds', () => {
    const { state } = step(answered(0.5).state, { kind: 'waitFailed' }, 200, 0.5);
    expect(state.dueAt).toBe(200 + pace.afterLostWait / 2);
  });
});

describe('a control plane that does not answer', () => {
  test('is asked less and less often, at random, and at the latest every five minutes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), randoms, (failures, random) => {
        const delay = backOff(failures, undefined, random);
        expect(delay).toBeLessThanOrEqual(Math.min(pace.longestBackOff, 1000 * 2 ** (failures - 1)));
        expect(delay).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test('is left alone for as long as it asks', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 0, max: 3_600_000 }),
        randoms,
        (failures, wait, random) => {
          expect(backOff(failures, wait, random)).toBeGreaterThanOrEqual(wait);
        },
      ),
    );
  });

  test('is not asked sooner because there is something to tell', () => {
    const { state } = step(firstState(0), { kind: 'tick' }, 0, 0.5);
    const failed = step(state, { kind: 'failed', retryAfter: 60_000 }, 10, 0.5);
    expect(step(failed.state, { kind: 'news' }, 20, 0.5)).toEqual({ state: failed.state, actions: [] });
  });
});

test.each(endsMembership)(
  'a server that is refused with %s asks again in five minutes and stops waiting',
  (code) => {
    const waiting = { ...firstState(0), isCheckingIn: true, isWaiting: true };
    const { state, actions } = step(waiting, { kind: 'refused', code }, 0, 0.5);
    expect(actions).toEqual([{ kind: 'endWait' }]);
    expect(state.dueAt).toBe(pace.refused);
    expect(step(state, { kind: 'joined' }, 1500, 0.5).actions).toEqual([{ kind: 'checkIn' }]);
  },
);

test('a value is spread evenly around itself', () => {
  expect([0, 0.5, 1].map((random) => spread(100, 0.25, random))).toEqual([75, 100, 125]);
});
