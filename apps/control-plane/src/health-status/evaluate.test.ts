import { healthMetricNames } from '@culvert/contracts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { thresholdKinds } from '../health-thresholds/thresholds.ts';
import { evaluateMetrics, statesOf } from './evaluate.ts';
import { goodValues } from './health-testing.ts';
import { metricRules } from './metric-rules.ts';
import type { MetricStates, Observation } from './observation.ts';

const now = new Date('2026-11-24T09:00:00.000Z');
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000);

/** A server about which everything is good. */
const good: Observation = {
  lastCheckInAt: ago(10),
  valuesAt: ago(10),
  values: { ...goodValues, internalNetworkReachable: 1, imageRegistryReachable: 1 },
  reasons: {},
  capacity: 5000,
  thresholds: {},
  configuration: { status: 'applied', offeredAt: ago(900), hasEarlier: false },
  lastLogsAt: ago(600),
  versionsBehind: 0,
  hasProbeUrl: true,
};

const evaluate = (changes: Partial<Observation>, previous: MetricStates = {}) =>
  new Map(evaluateMetrics({ ...good, ...changes }, previous, now).map((metric) => [metric.name, metric]));
const statusWith = (name: (typeof healthMetricNames)[number], value: number) =>
  evaluate({ values: { ...good.values, [name]: value } }).get(name)?.status;

describe('metrics', () => {
  test('of a server without a fault are all healthy, need no remedy and say why', () => {
    const metrics = [...evaluate({}).values()];
    expect(metrics.map(({ name }) => name)).toEqual(healthMetricNames);
    expect(metrics.filter(({ status }) => status !== 'healthy')).toEqual([]);
    expect(metrics.filter(({ remedy }) => remedy !== undefined)).toEqual([]);
    expect(metrics.filter(({ reason }) => reason === '')).toEqual([]);
  });

  test.each([
    ['currentConnections', 4990, 'healthy'],
    ['currentConnections', 4991, 'unhealthy'],
    ['cpuUsage', 95, 'healthy'],
    ['cpuUsage', 95.4, 'healthy'],
    ['cpuUsage', 96, 'warning'],
    ['cpuUsage', 99, 'warning'],
    ['cpuUsage', 100, 'unhealthy'],
    ['cpuCores', 4, 'healthy'],
    ['cpuCores', 3, 'warning'],
    ['cpuCores', 1, 'warning'],
    ['cpuCores', 0, 'unhealthy'],
    ['memoryUsage', 95, 'healthy'],
    ['memoryUsage', 96, 'warning'],
    ['memoryUsage', 99, 'warning'],
    ['memoryUsage', 100, 'unhealthy'],
    ['diskFree', 5.1, 'healthy'],
    ['diskFree', 5, 'warning'],
    ['diskFree', 3, 'warning'],
    ['diskFree', 2.9, 'unhealthy'],
    ['latency', 9.9, 'healthy'],
    ['latency', 10, 'warning'],
    ['latency', 20, 'warning'],
    ['latency', 20.1, 'unhealthy'],
    ['agentCertificateDaysLeft', 31, 'healthy'],
    ['agentCertificateDaysLeft', 29.9, 'warning'],
    ['agentCertificateDaysLeft', 0, 'unhealthy'],
    ['tlsCertificateDaysLeft', 30.5, 'healthy'],
    ['tlsCertificateDaysLeft', 30, 'warning'],
    ['tlsCertificateDaysLeft', -1, 'unhealthy'],
    ['tlsCertificateRevoked', 0, 'healthy'],
    ['tlsCertificateRevoked', 1, 'warning'],
    ['tlsCertificateRevoked', 2, 'unhealthy'],
    ['internalNetworkReachable', 0, 'unhealthy'],
    ['imageRegistryReachable', 0, 'unhealthy'],
    ['serverContainerHealthy', 0, 'unhealthy'],
    ['throughput', 1e9, 'healthy'],
  ] as const)('%s of %d is %s', (name, value, status) => {
    expect(statusWith(name, value)).toBe(status);
  });

  test.each([
    [0, 'healthy'],
    [1, 'warning'],
    [2, 'unhealthy'],
    [undefined, 'unknown'],
  ] as const)('a version %s releases behind is %s', (versionsBehind, status) => {
    expect(evaluate({ versionsBehind }).get('versionsBehind')?.status).toBe(status);
  });

  test.each([
    [300, 'healthy'],
    [301, 'unhealthy'],
  ] as const)('a check-in %d seconds ago is %s', (seconds, status) => {
    expect(evaluate({ lastCheckInAt: ago(seconds) }).get('lastCheckInAge')?.status).toBe(status);
  });

  test('of a server that says nothing any more are not known, and the last values are shown', () => {
    const metrics = evaluate({ lastCheckInAt: ago(900), valuesAt: ago(900) });
    expect(metrics.get('cpuUsage')).toMatchObject({ status: 'unknown', value: 20 });
    expect(metrics.get('cpuUsage')?.reason).toContain('2026-11-24T08:45:00.000Z');
  });

  test('that were not measured are not known, with the reason of the agent', () => {
    const { cpuUsage: _, ...values } = good.values;
    const metrics = evaluate({ values, reasons: { cpuUsage: '/proc/stat cannot be read' } });
    expect(metrics.get('cpuUsage')).toMatchObject({
      status: 'unknown',
      value: undefined,
      reason: '/proc/stat cannot be read',
    });
  });

  test('of the internal network are not known without an address to probe, and the remedy names the property', () => {
    const { internalNetworkReachable: _, ...values } = good.values;
    const metric = evaluate({ values, hasProbeUrl: false }).get('internalNetworkReachable');
    expect(metric?.status).toBe('unknown');
    expect(metric?.remedy).toContain('internalNetworkProbeUrl');
  });

  test('of a server that has never checked in are all unknown', () => {
    const metrics = [...evaluate({ lastCheckInAt: undefined }).values()];
    expect(new Set(metrics.map(({ status }) => status))).toEqual(new Set(['unknown']));
  });

  test('connections are not judged while the capacity is not known', () => {
    expect(evaluate({ capacity: 0 }).get('currentConnections')).toMatchObject({
      status: 'unknown',
      value: 10,
    });
  });

  test('a server that is full is unhealthy, however small it is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70_000 }), (capacity) => {
        const values = { ...good.values, currentConnections: capacity };
        expect(evaluate({ capacity, values }).get('currentConnections')?.status).toBe('unhealthy');
      }),
    );
  });

  test('follow the thresholds that administrators have set', () => {
    const thresholds = { cpuUsage: { healthyThreshold: 10, unhealthyThreshold: 15 } };
    expect(evaluate({ thresholds }).get('cpuUsage')).toMatchObject({
      status: 'unhealthy',
      reason: 'CPU usage: 20 %; healthy up to 10 %, unhealthy above 15 %',
    });
  });

  test('have the defaults of the thresholds where nobody has changed them', () => {
    for (const [name, { defaultHealthyThreshold, defaultUnhealthyThreshold }] of Object.entries(
      thresholdKinds,
    )) {
      const { bands } = metricRules[name as keyof typeof metricRules];
      expect([bands?.healthy.value, bands?.warning?.value]).toEqual([
        defaultHealthyThreshold,
        defaultUnhealthyThreshold,
      ]);
    }
  });
});

describe('the configuration', () => {
  const withOutcome = (configuration: Observation['configuration']) =>
    evaluate({ configuration }).get('configurationApplied');

  test('that failed is unhealthy and says why', () => {
    const outcome = {
      status: 'failed',
      reason: 'listenPort: in use',
      offeredAt: ago(60),
      hasEarlier: true,
    } as const;
    expect(withOutcome(outcome)).toMatchObject({
      status: 'unhealthy',
      value: 0,
      reason: expect.stringContaining('listenPort: in use'),
    });
  });

  test('that was offered has five minutes; then it is a warning', () => {
    const offered = (seconds: number, hasEarlier: boolean) =>
      withOutcome({ status: 'offered', offeredAt: ago(seconds), hasEarlier })?.status;
    expect([offered(300, true), offered(300, false), offered(301, true)]).toEqual([
      'healthy',
      'unknown',
      'warning',
    ]);
  });

  test('that was never offered is not known', () => {
    expect(withOutcome(undefined)?.status).toBe('unknown');
  });
});

describe('logs', () => {
  const logsWith = (lastLogsAt: Date | undefined, previous: MetricStates = {}) =>
    evaluate({ lastLogsAt }, previous).get('logsUploaded')?.status;

  test('are due each hour', () => {
    expect([logsWith(ago(60 * 60)), logsWith(ago(61 * 60))]).toEqual(['healthy', 'unhealthy']);
  });

  test('of a new server have an hour for the first time, and stay unhealthy until they come', () => {
    const unknownFor = (seconds: number) =>
      ({ logsUploaded: { status: 'unknown', since: ago(seconds).toISOString() } }) as const;
    expect(logsWith(undefined)).toBe('unknown');
    expect(logsWith(undefined, unknownFor(3600))).toBe('unknown');
    expect(logsWith(undefined, unknownFor(3601))).toBe('unhealthy');
    expect(logsWith(undefined, { logsUploaded: { status: 'unhealthy', since: now.toISOString() } })).toBe(
      'unhealthy',
    );
  });
});

describe('since', () => {
  test('stays while the status stays, and begins anew when it changes', () => {
    const before = ago(1000).toISOString();
    const previous = { cpuUsage: { status: 'healthy', since: before } } as const;
    expect(evaluate({}, previous).get('cpuUsage')?.since).toBe(before);
    const hot = { ...good.values, cpuUsage: 100 };
    expect(evaluate({ values: hot }, previous).get('cpuUsage')?.since).toBe(now.toISOString());
  });

  test('any values: every metric has a known status and never becomes newer without a change', () => {
    const value = fc.option(fc.double({ noNaN: true }), { nil: undefined });
    const values = fc.record(Object.fromEntries(healthMetricNames.map((name) => [name, value])));
    fc.assert(
      fc.property(values, (given) => {
        const observation = { ...good, values: given as Observation['values'] };
        const first = statesOf(evaluateMetrics(observation, {}, ago(30)));
        expect(statesOf(evaluateMetrics(observation, first, now))).toEqual(first);
      }),
    );
  });
});
