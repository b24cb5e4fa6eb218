import fc from 'fast-check';
import { expect, test } from 'vitest';
import { explainQuota, serverQuotaBytes, totalQuotaBytes } from './quota.ts';
import { nextStep } from './states.ts';

const now = new Date('2026-11-25T12:00:00.000Z');
const hoursAgo = (hours: number) => new Date(now.getTime() - hours * 3_600_000).toISOString();
const row = (columns: Record<string, string | number>) => ({ id: 'c', version: 1, ...columns });

test('verbose logs are ordered when their time is over, and not before', () => {
  const untilHoursAgo = (hours: number) =>
    row({ state: 'verbose', verbose_until: hoursAgo(hours), changed_at: hoursAgo(8) });
  expect(nextStep(untilHoursAgo(-0.1), undefined, now)).toEqual({ kind: 'wait' });
  expect(nextStep(untilHoursAgo(0), undefined, now)).toEqual({ kind: 'order' });
  expect(nextStep(untilHoursAgo(100), undefined, now)).toEqual({ kind: 'order' });
});

test('a server that never answers, or stops in the middle, has a day', () => {
  const silent = (hours: number) => row({ state: 'ordered', changed_at: hoursAgo(hours) });
  expect(nextStep(silent(23), { state: 'waiting', detail: null }, now)).toEqual({ kind: 'wait' });
  expect(nextStep(silent(25), { state: 'sent', detail: null }, now)).toMatchObject({
    kind: 'fail',
    reason: expect.stringContaining('did not answer within 24 hours'),
  });
  expect(nextStep(silent(1), { state: 'expired', detail: null }, now)).toMatchObject({ kind: 'fail' });
  const halfway = row({ state: 'uploading', received_bytes: 12_345, changed_at: hoursAgo(24) });
  expect(nextStep(halfway, { state: 'done', detail: null }, now)).toMatchObject({
    kind: 'fail',
    reason: expect.stringContaining('stopped at 12345 bytes'),
  });
});

test('a server that cannot collect is believed, with its reason', () => {
  const ordered = row({ state: 'ordered', changed_at: hoursAgo(0) });
  expect(nextStep(ordered, { state: 'failed', detail: 'the disk is full' }, now)).toEqual({
    kind: 'fail',
    reason: 'the disk is full',
  });
});

test('no more is ever kept than the quotas say', () => {
  const bytes = fc.integer({ min: 0, max: totalQuotaBytes });
  fc.assert(
    fc.property(bytes, bytes, bytes, (server, others, further) => {
      const total = server + others;
      const fits = explainQuota({ server, total }, further) === undefined;
      expect(fits).toBe(server + further <= serverQuotaBytes && total + further <= totalQuotaBytes);
    }),
  );
  expect(explainQuota({ server: serverQuotaBytes, total: serverQuotaBytes }, 1)).toContain(
    'take 256 MiB of the 256 MiB that are kept of one server: delete',
  );
});
