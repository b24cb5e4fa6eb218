import { expect, test } from 'vitest';
import { formatSpread, median, spread } from './statistics.ts';

test('the median of an odd number of values is the middle one, whatever their order', () => {
  expect(median([9, 1, 5])).toBe(5);
});

test('the median of an even number of values is the mean of the two in the middle', () => {
  expect(median([1, 2, 4, 100])).toBe(3);
});

test('there is no median of nothing', () => {
  expect(() => median([])).toThrow('no median');
});

test('a spread is printed as the median with its range', () => {
  expect(formatSpread(spread([1, 2, 4]), 1)).toBe('2.0 (1.0–4.0)');
});
