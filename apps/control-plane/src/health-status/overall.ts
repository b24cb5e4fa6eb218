import type { HealthMetric } from '@culvert/contracts';
import { metricRules, offlineAfterSeconds } from './metric-rules.ts';
import type { MetricHealth } from './observation.ts';

/** Members of Graph's enumeration that a server can have. */
export const overallStatuses = [
  'unknown',
  'healthy',
  'unhealthy',
  'warning',
  'offline',
  'upgradeInProgress',
  'upgradeFailed',
] as const;
export type OverallStatus = (typeof overallStatuses)[number];

/** What a status of a server comes from; written out in words by `causeText`. */
export interface Cause {
  /** Absent for what is no metric. */
  metric?: HealthMetric;
  value?: number | undefined;
  /** A sentence of the agent, in English. */
  detail?: string | undefined;
}

export interface Overall {
  status: OverallStatus;
  since: string;
  causes: readonly Cause[];
}

/** The last upgrade of a server, as far as it is known. */
export interface UpgradeOutcome {
  /** Tells it from others. */
  id: string;
  state: 'running' | 'done' | 'failed';
  reason?: string | undefined;
}

export interface OverallInput {
  lastCheckInAt: Date | undefined;
  metrics: readonly MetricHealth[];
  upgrade: UpgradeOutcome | undefined;
  /** A failed upgrade that an administrator has seen; that one is not told any more. */
  acknowledgedUpgrade: string | undefined;
}

/** Milliseconds in which something unhealthy may mend itself; after that the server has a warning. */
export const mendingTime = 5 * 60_000;

/**
 * The status of a server as a whole, first match first: unknown, offline, an upgrade, unhealthy, warning, healthy. As in the
 * original, `unhealthy` passes by itself: what is still unhealthy after five minutes makes it a warning, while the metric
 * stays unhealthy.
 */
export function evaluateOverall(input: OverallInput, previous: Overall | undefined, now: Date): Overall {
  const { status, causes } = find(input, now);
  const since = previous?.status === status ? previous.since : now.toISOString();
  return { status, since, causes };
}

function find(
  { lastCheckInAt, metrics, upgrade, acknowledgedUpgrade }: OverallInput,
  now: Date,
): Omit<Overall, 'since'> {
  if (lastCheckInAt === undefined) return { status: 'unknown', causes: [] };
  const age = Math.floor((now.getTime() - lastCheckInAt.getTime()) / 1000);
  // Without the seconds, which would make it another cause each time.
  if (age > offlineAfterSeconds) {
    return { status: 'offline', causes: [{ detail: lastCheckInAt.toISOString() }] };
  }
  if (upgrade?.state === 'running') return { status: 'upgradeInProgress', causes: [] };
  if (upgrade?.state === 'failed' && upgrade.id !== acknowledgedUpgrade) {
    return { status: 'upgradeFailed', causes: [{ detail: upgrade.reason }] };
  }
  const unhealthy = metrics.filter(({ status }) => status === 'unhealthy');
  const isFresh = ({ since }: MetricHealth) => now.getTime() - Date.parse(since) <= mendingTime;
  if (unhealthy.some(isFresh)) return { status: 'unhealthy', causes: unhealthy.map(causeOf) };
  const doubtful = metrics.filter(({ name, status }) => status === 'warning' && metricRules[name].warns);
  if (unhealthy.length + doubtful.length > 0) {
    return { status: 'warning', causes: [...unhealthy, ...doubtful].map(causeOf) };
  }
  return { status: 'healthy', causes: [] };
}

function causeOf({ name, value }: MetricHealth): Cause {
  return { metric: name, value };
}
