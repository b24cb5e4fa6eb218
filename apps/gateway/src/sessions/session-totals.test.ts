import { expect, test } from 'vitest';
import { SessionTotals } from './session-totals.ts';

test('totals sum the sessions that have ended and those that there are', () => {
  const totals = new SessionTotals();
  expect(totals.view([])).toEqual({
    ended: {},
    averageSessionSeconds: 0,
    longestSessionSeconds: 0,
    bytesIn: 0,
    bytesOut: 0,
  });
  totals.add({ reason: 'logout', bytesIn: 1, bytesOut: 2, durationSeconds: 10 });
  totals.add({ reason: 'idleTimeout', bytesIn: 10, bytesOut: 20, durationSeconds: 31 });
  totals.add({ reason: 'logout', bytesIn: 0, bytesOut: 0, durationSeconds: 1 });
  expect(totals.view([{ bytesIn: 100, bytesOut: 200 }])).toEqual({
    ended: { logout: 2, idleTimeout: 1 },
    averageSessionSeconds: 14,
    longestSessionSeconds: 31,
    bytesIn: 111,
    bytesOut: 222,
  });
});
