import type { HealthMetric } from '@culvert/contracts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type MetricStatus, metricStatuses } from './bands.ts';
import type { MetricHealth } from './observation.ts';
import { evaluateOverall, type OverallInput, overallStatuses } from './overall.ts';
import { causeText } from './words.ts';

const now = new Date('2026-11-24T09:00:00.000Z');
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000);
const metric = (name: HealthMetric, status: MetricStatus, seconds = 60, value = 1): MetricHealth => ({
  name,
  value,
  status,
  since: ago(seconds).toISOString(),
  reason: '',
  remedy: undefined,
});
const overall = (changes: Partial<OverallInput>) =>
  evaluateOverall(
    { lastCheckInAt: ago(10), metrics: [], upgrade: undefined, acknowledgedUpgrade: undefined, ...changes },
    undefined,
    now,
  );

describe('the status of a server', () => {
  test('that has never checked in is unknown', () => {
    expect(overall({ lastCheckInAt: undefined }).status).toBe('unknown');
  });

  test('is offline after five minutes without contact, whatever was going on', () => {
    const upgrade = { id: 'u', state: 'running' } as const;
    expect(overall({ lastCheckInAt: ago(300) }).status).toBe('healthy');
    const { status, causes } = overall({ lastCheckInAt: ago(301), upgrade });
    expect([status, causeText('offline', causes, 'en')]).toEqual([
      'offline',
      'it has not checked in since 2026-11-24T08:54:59.000Z; users may still be connected',
    ]);
  });

  test('is unhealthy for five minutes, then a warning while the metric is not remedied', () => {
    const at = (seconds: number) => overall({ metrics: [metric('diskFree', 'unhealthy', seconds, 2.25)] });
    expect([at(0).status, at(300).status, at(301).status]).toEqual(['unhealthy', 'unhealthy', 'warning']);
    expect(causeText('warning', at(301).causes, 'en')).toBe('Free disk space: 2.3 GB');
    expect(causeText('warning', at(301).causes, 'ja')).toBe('ディスクの空き容量: 2.3 GB');
  });

  test('is unhealthy again when another metric becomes so later', () => {
    const metrics = [metric('diskFree', 'unhealthy', 900), metric('cpuUsage', 'unhealthy', 10)];
    expect(overall({ metrics }).status).toBe('unhealthy');
  });

  test('is a warning by the kinds that the original names, and by no others', () => {
    const kinds = ['cpuUsage', 'memoryUsage', 'latency', 'tlsCertificateDaysLeft', 'versionsBehind'] as const;
    for (const name of kinds) expect(overall({ metrics: [metric(name, 'warning')] }).status).toBe('warning');
    for (const name of ['cpuCores', 'tlsCertificateRevoked', 'diskFree'] as const) {
      expect(overall({ metrics: [metric(name, 'warning')] }).status).toBe('healthy');
    }
  });

  test('does not depend on what cannot be told', () => {
    expect(overall({ metrics: [metric('internalNetworkReachable', 'unknown')] }).status).toBe('healthy');
  });

  test('tells of an upgrade that runs or failed, until the next one succeeds or an administrator has seen it', () => {
    const upgrade = (state: 'running' | 'done' | 'failed') =>
      ({ id: 'this', state, reason: 'the gateway did not start' }) as const;
    expect(overall({ upgrade: upgrade('running') }).status).toBe('upgradeInProgress');
    const failed = overall({ upgrade: upgrade('failed') });
    expect(failed.status).toBe('upgradeFailed');
    expect(causeText('upgradeFailed', failed.causes, 'en')).toContain('the gateway did not start');
    expect(overall({ upgrade: upgrade('done') }).status).toBe('healthy');
    expect(overall({ upgrade: upgrade('failed'), acknowledgedUpgrade: 'this' }).status).toBe('healthy');
    const another = overall({ upgrade: upgrade('failed'), acknowledgedUpgrade: 'another' });
    expect(another.status).toBe('upgradeFailed');
  });

  test('keeps its time while it stays, whatever the metrics do below it', () => {
    const anyMetrics = fc.array(
      fc.record({ status: fc.constantFrom(...metricStatuses), seconds: fc.nat(1000) }),
    );
    fc.assert(
      fc.property(anyMetrics, anyMetrics, (one, other) => {
        const input = (list: typeof one): OverallInput => ({
          lastCheckInAt: ago(1),
          metrics: list.map(({ status, seconds }) => metric('cpuUsage', status, seconds)),
          upgrade: undefined,
          acknowledgedUpgrade: undefined,
        });
        const before = evaluateOverall(input(one), undefined, ago(10));
        const after = evaluateOverall(input(other), before, now);
        expect(overallStatuses).toContain(after.status);
        expect(after.since).toBe(after.status === before.status ? before.since : now.toISOString());
      }),
    );
  });
});
