import { expect, test } from 'vitest';
import type { HealthReading } from '../health/source.ts';
import { reasonToSample } from './sampling.ts';

const start = Date.parse('2026-11-25T09:00:00Z');
const withGateway: HealthReading = { values: { serverContainerHealthy: 1, cpuUsage: 10 }, reasons: {} };
const without: HealthReading = { values: { serverContainerHealthy: 0, cpuUsage: 90 }, reasons: {} };

test('the first reading is a sample at once', () => {
  expect(reasonToSample(undefined, without, start)).toBe('news');
});

test('a sample is taken each minute, and none between', () => {
  const last = { reading: withGateway, at: start };
  const busier = { values: { ...withGateway.values, cpuUsage: 99 }, reasons: {} };
  expect(reasonToSample(last, busier, start + 59_999)).toBeUndefined();
  expect(reasonToSample(last, busier, start + 60_000)).toBe('minute');
});

test('a gateway that comes or goes is told at once', () => {
  expect(reasonToSample({ reading: without, at: start }, withGateway, start + 5_000)).toBe('news');
  expect(reasonToSample({ reading: withGateway, at: start }, without, start + 5_000)).toBe('news');
});

test('a metric that has a value for the first time is told soon, and not again and again', () => {
  const more = { values: { ...withGateway.values, latency: 0.4 }, reasons: {} };
  const last = { reading: withGateway, at: start };
  expect(reasonToSample(last, more, start + 5_000)).toBeUndefined();
  expect(reasonToSample(last, more, start + 10_000)).toBe('news');
  expect(reasonToSample({ reading: more, at: start }, withGateway, start + 10_000)).toBeUndefined();
});

test('a clock that is put back does not stop the samples', () => {
  expect(reasonToSample({ reading: withGateway, at: start }, withGateway, start - 1)).toBe('minute');
});
