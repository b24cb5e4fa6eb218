import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextUpgradeWindow, offsetMinutes } from './upgrade-window.ts';

const night = { start: '22:00:00.0000000', end: '02:00:00.0000000' };
const windowAt = (window: Parameters<typeof nextUpgradeWindow>[0], now: string) => {
  const { opens, closes } = nextUpgradeWindow(window, new Date(now));
  return [opens.toISOString(), closes.toISOString()];
};

test('the offset of a zone follows daylight saving', () => {
  expect(offsetMinutes('Europe/Berlin', new Date('2026-07-01T00:00:00Z'))).toBe(120);
  expect(offsetMinutes('Europe/Berlin', new Date('2026-12-01T00:00:00Z'))).toBe(60);
  expect(offsetMinutes('Asia/Tokyo', new Date('2026-07-01T00:00:00Z'))).toBe(540);
});

test('a window opens at the same time of the wall clock in summer and in winter', () => {
  const berlin = { ...night, zone: 'Europe/Berlin' };
  expect(windowAt(berlin, '2026-07-01T12:00:00Z')[0]).toBe('2026-07-01T20:00:00.000Z');
  expect(windowAt(berlin, '2026-12-01T12:00:00Z')[0]).toBe('2026-12-01T21:00:00.000Z');
});

test('with a fixed offset it does not', () => {
  expect(windowAt({ ...night, zone: 60 }, '2026-07-01T12:00:00Z')[0]).toBe('2026-07-01T21:00:00.000Z');
  expect(windowAt({ ...night, zone: -210 }, '2026-07-01T12:00:00Z')[0]).toBe('2026-07-02T01:30:00.000Z');
});

test('a window that is open is the next one, also after midnight', () => {
  const tokyo = { ...night, zone: 'Asia/Tokyo' };
  expect(windowAt(tokyo, '2026-11-24T16:59:59Z')).toEqual([
    '2026-11-24T13:00:00.000Z',
    '2026-11-24T17:00:00.000Z',
  ]);
  expect(windowAt(tokyo, '2026-11-24T17:00:00Z')[0]).toBe('2026-11-25T13:00:00.000Z');
});

test('a night in which clocks change makes the window an hour shorter or longer', () => {
  const hours = (zone: string, now: string) => {
    const { opens, closes } = nextUpgradeWindow(
      { start: '00:00:00.0000000', end: '04:00:00.0000000', zone },
      new Date(now),
    );
    return (closes.getTime() - opens.getTime()) / 3_600_000;
  };
  expect(hours('Europe/Berlin', '2026-03-28T20:00:00Z')).toBe(3);
  expect(hours('Europe/Berlin', '2026-10-24T20:00:00Z')).toBe(5);
  expect(hours('America/New_York', '2026-03-08T02:00:00Z')).toBe(3);
  expect(hours('America/New_York', '2026-11-01T02:00:00Z')).toBe(5);
});

test('a window whose start falls into the gap opens behind it', () => {
  const gap = { start: '02:30:00.0000000', end: '05:00:00.0000000', zone: 'Europe/Berlin' };
  expect(windowAt(gap, '2026-03-28T23:00:00Z')[0]).toBe('2026-03-29T01:30:00.000Z');
});

test('a window that falls into the gap as a whole is passed over: the next one is a day later', () => {
  const short = { start: '02:30:00.0000000', end: '03:00:00.0000000', zone: 'America/New_York' };
  expect(windowAt(short, '2026-03-07T12:00:00Z')).toEqual([
    '2026-03-09T06:30:00.000Z',
    '2026-03-09T07:00:00.000Z',
  ]);
});

test('there is always a next window, it is not over, and it opens within a day and an hour', () => {
  const hour = fc.integer({ min: 0, max: 23 });
  const zone = fc.constantFrom<string | number>(
    'Europe/Berlin',
    'America/New_York',
    'Asia/Tokyo',
    'Australia/Lord_Howe',
    0,
    345,
  );
  const moment = fc.date({ min: new Date('2026-01-01'), max: new Date('2027-12-31'), noInvalidDate: true });
  fc.assert(
    fc.property(hour, fc.integer({ min: 2, max: 23 }), zone, moment, (start, length, where, now) => {
      const time = (value: number) => `${String(value % 24).padStart(2, '0')}:00:00.0000000`;
      const { opens, closes } = nextUpgradeWindow(
        { start: time(start), end: time(start + length), zone: where },
        now,
      );
      expect(closes.getTime()).toBeGreaterThan(now.getTime());
      expect(opens.getTime()).toBeLessThan(closes.getTime());
      expect(opens.getTime() - now.getTime()).toBeLessThanOrEqual(25 * 3_600_000);
    }),
  );
});
