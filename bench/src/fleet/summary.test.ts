import { expect, test } from 'vitest';
import { allAnsweredAfter, summarize } from './summary.ts';

const record = (agent: number, at: number, milliseconds: number, outcome: number | string = 200) => ({
  agent,
  at,
  milliseconds,
  outcome,
});

test('only answered check-ins count for the times, and every other outcome is counted by its name', () => {
  const records = Array.from({ length: 100 }, (_, index) => record(index, 0, index + 1));
  const summary = summarize([...records, record(1, 0, 9_999, 503), record(2, 0, 9_999, 'ECONNREFUSED')]);
  expect(summary).toMatchObject({ checkIns: 102, answered: 100, p50: 51, p99: 100, longest: 100 });
  expect(summary.refusals).toEqual({ 503: 1, ECONNREFUSED: 1 });
});

test('a fleet is back when the last agent has had its first answer since', () => {
  const records = [record(0, 900, 10), record(0, 1_000, 20), record(0, 5_000, 20), record(1, 1_500, 30, 503)];
  expect(allAnsweredAfter(records, 2, 1_000)).toBeUndefined();
  expect(allAnsweredAfter([...records, record(1, 2_000, 50)], 2, 1_000)).toBe(1_050);
});
