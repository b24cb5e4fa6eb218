import { afterEach, expect, test, vi } from 'vitest';
import type { Probe } from './probe.ts';
import { measureWithin, ProbeRunner } from './probe-runner.ts';

const never = () => new Promise<never>(() => {});
const stop = new AbortController().signal;
const running: ProbeRunner[] = [];
afterEach(() => {
  for (const runner of running.splice(0)) runner.stop();
});

function probe(change: Partial<Probe>): Probe {
  return {
    metrics: ['diskFree'],
    periodMilliseconds: 3_600_000,
    limitMilliseconds: 30_000,
    measure: async () => ({ diskFree: { value: 1 } }),
    ...change,
  };
}

function run(...probes: Probe[]): ProbeRunner {
  const runner = new ProbeRunner(probes);
  running.push(runner);
  return runner;
}

test('a probe that fails leaves out its value with the reason and hides no other', async () => {
  const runner = run(
    probe({
      metrics: ['latency', 'throughput'],
      measure: async () => {
        throw new Error('the sky fell');
      },
    }),
    probe({}),
  );
  await runner.measured();
  expect(runner.reading()).toEqual({
    values: { diskFree: 1 },
    reasons: { latency: 'the sky fell', throughput: 'the sky fell' },
  });
});

test('a probe that hangs, and does not heed its signal, ends at its limit with a reason', async () => {
  const result = await measureWithin(probe({ limitMilliseconds: 10, measure: never }), stop);
  const reason = 'the measurement took longer than 0.01 seconds';
  expect(result).toEqual({ measurements: { diskFree: { reason } }, failed: true });
});

test('a probe that failed is tried again at its own pace', async () => {
  let tries = 0;
  const runner = run(
    probe({
      retryMilliseconds: 1,
      measure: async () => {
        tries += 1;
        if (tries < 3) throw new Error('not yet');
        return { diskFree: { value: tries } };
      },
    }),
  );
  await vi.waitFor(() => expect(runner.reading()).toEqual({ values: { diskFree: 3 }, reasons: {} }));
});

test('a probe that hangs hides no other', async () => {
  const runner = run(probe({ metrics: ['latency'], measure: never }), probe({}));
  await vi.waitFor(() => expect(runner.reading().values).toEqual({ diskFree: 1 }));
  expect(runner.reading().reasons).toEqual({ latency: 'this has not been measured yet' });
});

test('a value that is no number is no value', async () => {
  const runner = run(probe({ measure: async () => ({ diskFree: { value: Number.NaN } }) }));
  await runner.measured();
  expect(runner.reading()).toEqual({ values: {}, reasons: { diskFree: 'the measurement gave no number' } });
});

test('a reason fits into a check-in, however long it was', async () => {
  const runner = run(probe({ measure: async () => ({ diskFree: { reason: 'x'.repeat(2000) } }) }));
  await runner.measured();
  expect(runner.reading().reasons.diskFree).toHaveLength(500);
});

test('what was measured of another thing is not told any more, and the new one is measured soon', async () => {
  let subject = 'old';
  const runner = run(
    probe({
      subject: () => subject,
      measure: async () => ({ diskFree: { value: subject === 'old' ? 1 : 2 } }),
    }),
  );
  await runner.measured();
  subject = 'new';
  expect(runner.reading().values).toEqual({});
  await vi.waitFor(() => expect(runner.reading().values).toEqual({ diskFree: 2 }), 10_000);
});

test('after its end nothing is measured any more', async () => {
  const counting = () => {
    const count = { measurements: 0 };
    const measure = async () => {
      count.measurements += 1;
      return { diskFree: { value: count.measurements } };
    };
    return { count, probe: probe({ periodMilliseconds: 1, measure }) };
  };
  const [ended, other] = [counting(), counting()];
  const runner = run(ended.probe);
  await vi.waitFor(() => expect(ended.count.measurements).toBeGreaterThan(2));
  runner.stop();
  const before = ended.count.measurements;
  run(other.probe);
  await vi.waitFor(() => expect(other.count.measurements).toBeGreaterThan(10));
  expect(ended.count.measurements).toBe(before);
});
