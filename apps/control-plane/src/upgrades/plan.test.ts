import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isUpgradeAvailable, type PlanFacts, planUpgrade } from './plan.ts';
import { rollOutStates } from './roll-out.ts';

const now = new Date('2026-11-24T12:00:00.000Z');
const out = (version: string, publishedAt = '2026-11-24T11:00:00.000Z') => ({ version, publishedAt });
const facts: PlanFacts = {
  policy: { isAutomatic: true, window: undefined },
  current: undefined,
  releases: [out('1.0.0'), out('1.1.0')],
  versions: ['1.0.0', '1.1.0'],
  now,
  delayMinutes: 10,
};
const night = { start: '22:00:00.0000000', end: '23:00:00.0000000', zone: 'UTC' };
const begins = (change: Partial<PlanFacts>) => {
  const plan = planUpgrade({ ...facts, ...change });
  return plan && [plan.target, plan.beginsAt.toISOString()];
};

describe('by itself a site is upgraded', () => {
  test('to the newest release that is out, once it is out long enough', () => {
    expect(begins({})).toEqual(['1.1.0', '2026-11-24T12:00:00.000Z']);
    const fresh = [
      out('1.1.0'),
      out('1.2.0', '2026-11-24T11:58:00.000Z'),
      out('2.0.0', '2026-11-25T00:00:00.000Z'),
    ];
    expect(begins({ releases: fresh })).toEqual(['1.2.0', '2026-11-24T12:08:00.000Z']);
    expect(begins({ releases: fresh, delayMinutes: 0 })).toEqual(['1.2.0', '2026-11-24T12:00:00.000Z']);
  });

  test('not before its window opens, nor before the release is out long enough within it', () => {
    const policy = { isAutomatic: true, window: night };
    expect(begins({ policy })).toEqual(['1.1.0', '2026-11-24T22:00:00.000Z']);
    const late = { policy, releases: [out('1.1.0', '2026-11-24T22:30:00.000Z')] };
    const at = (time: string) => begins({ ...late, now: new Date(time) });
    expect(at('2026-11-24T22:35:00.000Z')).toEqual(['1.1.0', '2026-11-24T22:40:00.000Z']);
    expect(at('2026-11-24T22:45:00.000Z')).toEqual(['1.1.0', '2026-11-24T22:45:00.000Z']);
    const tooLate = { ...late, releases: [out('1.1.0', '2026-11-24T22:55:00.000Z')] };
    expect(begins({ ...tooLate, now: new Date('2026-11-24T22:56:00.000Z') })).toEqual([
      '1.1.0',
      '2026-11-25T22:00:00.000Z',
    ]);
  });

  test('not when no server is behind, when there is no release, or by approval', () => {
    expect(begins({ versions: ['1.1.0', '3.0.0'] })).toBeUndefined();
    expect(begins({ versions: [] })).toBeUndefined();
    expect(begins({ releases: [] })).toBeUndefined();
    expect(begins({ policy: { isAutomatic: false, window: undefined } })).toBeUndefined();
  });

  test('not again to what it was upgraded to or what has failed, and not round an upgrade that was stopped', () => {
    const after = (state: 'completed' | 'failed' | 'stopped' | 'running', target: string) =>
      begins({ current: { state, target } })?.[0];
    expect([after('completed', '1.1.0'), after('failed', '1.1.0'), after('failed', '1.2.0')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([after('completed', '1.0.0'), after('failed', '1.0.0')]).toEqual(['1.1.0', '1.1.0']);
    expect([after('stopped', '1.0.0'), after('running', '1.0.0')]).toEqual([undefined, undefined]);
  });
});

test('what was approved begins at once, or when the window opens, whatever the policy and however fresh the release', () => {
  const current = { state: 'waiting', target: '1.1.0' } as const;
  const releases = [out('1.1.0', now.toISOString()), out('9.0.0')];
  for (const isAutomatic of [true, false]) {
    expect(begins({ current, releases, policy: { isAutomatic, window: undefined } })).toEqual([
      '1.1.0',
      now.toISOString(),
    ]);
    expect(begins({ current, releases, policy: { isAutomatic, window: night } })).toEqual([
      '1.1.0',
      '2026-11-24T22:00:00.000Z',
    ]);
  }
});

test('an upgrade is available while a server is behind and nobody has approved the newest release', () => {
  const available = (change: Partial<PlanFacts>) => isUpgradeAvailable({ ...facts, ...change });
  const policy = { isAutomatic: false, window: undefined };
  const current = (state: 'waiting' | 'running' | 'stopped' | 'failed', target = '1.1.0') => ({
    policy,
    current: { state, target },
  });
  expect([available({}), available({ policy })]).toEqual([true, true]);
  expect([available({ versions: ['1.1.0'] }), available({ releases: [] })]).toEqual([false, false]);
  expect([available(current('waiting')), available(current('running'))]).toEqual([false, false]);
  expect([available(current('stopped')), available(current('failed'))]).toEqual([true, true]);
  expect(available(current('running', '1.0.5'))).toBe(true);
});

test('whatever the facts, nothing begins before now or outside of the window, and never an older version than all', () => {
  const version = fc.constantFrom('1.0.0', '1.1.0', '1.2.0', '2.0.0-rc.1');
  const time = fc
    .date({ min: new Date('2026-11-20'), max: new Date('2026-11-28'), noInvalidDate: true })
    .map((date) => date.toISOString());
  const anyFacts = fc.record({
    isAutomatic: fc.boolean(),
    hasWindow: fc.boolean(),
    current: fc.option(fc.record({ state: fc.constantFrom(...rollOutStates), target: version }), {
      nil: undefined,
    }),
    releases: fc.array(fc.record({ version, publishedAt: time }), { maxLength: 4 }),
    versions: fc.array(version, { maxLength: 3 }),
    delayMinutes: fc.integer({ min: 0, max: 3_000 }),
  });
  fc.assert(
    fc.property(anyFacts, ({ isAutomatic, hasWindow, ...rest }) => {
      const plan = planUpgrade({
        ...rest,
        now,
        policy: { isAutomatic, window: hasWindow ? night : undefined },
      });
      if (plan === undefined) return;
      expect(plan.beginsAt.getTime()).toBeGreaterThanOrEqual(now.getTime());
      if (hasWindow) expect(plan.beginsAt.getUTCHours()).toBe(22);
      if (!plan.isAutomatic) return;
      expect(isAutomatic).toBe(true);
      expect(rest.versions.some((one) => one !== plan.target)).toBe(true);
      const release = rest.releases
        .filter((one) => one.version === plan.target)
        .map((one) => one.publishedAt);
      expect(plan.beginsAt.getTime() - Date.parse(release.sort()[0] ?? '')).toBeGreaterThanOrEqual(
        rest.delayMinutes * 60_000,
      );
    }),
  );
});
