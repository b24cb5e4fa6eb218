import { expect, test } from 'vitest';
import { formatBytes, formatDuration, formatTime } from './quantities.ts';

test('bytes and durations are short', () => {
  expect([0, 999, 1000, 999_949, 999_950, 5e12].map(formatBytes)).toEqual([
    '0 B',
    '999 B',
    '1.0 kB',
    '999.9 kB',
    '1.0 MB',
    '5.0 TB',
  ]);
  expect([-5, 59_999, 60_000, 3_600_000, 4_500_000, 86_400_000, 100_000_000].map(formatDuration)).toEqual([
    '0 s',
    '59 s',
    '1 min',
    '1 h',
    '1 h 15 min',
    '1 d',
    '1 d 3 h',
  ]);
});

test('times are those of the host', () => {
  const time = new Date(2026, 10, 5, 7, 8, 9);
  expect(formatTime(time.getTime())).toBe('2026-11-05 07:08:09');
});
