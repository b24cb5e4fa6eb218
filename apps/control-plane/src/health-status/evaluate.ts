import { type HealthMetric, healthMetricNames } from '@culvert/contracts';
import { type Bands, describeBands, judge, type MetricStatus } from './bands.ts';
import { controlPlaneValues } from './control-plane-values.ts';
import { healthyShareOfCapacity, metricRules, offlineAfterSeconds } from './metric-rules.ts';
import type { MetricHealth, MetricStates, Observation } from './observation.ts';

/** Milliseconds in which a server has to answer to a configuration that it was offered. */
const answerTime = 5 * 60_000;
/** Milliseconds in which a server that has just joined has to send logs for the first time. */
const firstLogsTime = 60 * 60_000;

/** A finding about a metric, before it is known since when. */
interface Finding {
  value?: number | undefined;
  status: MetricStatus;
  reason: string;
  /** Instead of the remedy of the rule. */
  remedy?: string;
}

/**
 * Judges every metric of a server. `previous` are the states of before: a metric that keeps its status keeps its `since`.
 */
export function evaluateMetrics(observation: Observation, previous: MetricStates, now: Date): MetricHealth[] {
  return healthMetricNames.map((name) => {
    const { value, status, reason, remedy } = find(name, observation, previous, now);
    const before = previous[name];
    return {
      name,
      value,
      status,
      since: before?.status === status ? before.since : now.toISOString(),
      reason,
      remedy: status === 'healthy' ? undefined : (remedy ?? metricRules[name].remedy),
    };
  });
}

/** What is kept of metrics until they are judged again. */
export function statesOf(metrics: readonly MetricHealth[]): MetricStates {
  return Object.fromEntries(metrics.map(({ name, status, since }) => [name, { status, since }]));
}

function find(name: HealthMetric, observation: Observation, previous: MetricStates, now: Date): Finding {
  const { values, reasons } = observation;
  if (observation.lastCheckInAt === undefined) return neverCheckedIn;
  const own = controlPlaneValues(observation, now);
  switch (name) {
    case 'lastCheckInAge':
      return judged(name, own.lastCheckInAge, undefined);
    case 'versionsBehind':
      if (own.versionsBehind !== undefined) return judged(name, own.versionsBehind, undefined);
      return unknown(
        'no release is known to compare the version with',
        'publish the releases to the control plane, so that it knows the newest one',
      );
    case 'configurationApplied':
      return findConfiguration(observation, own.configurationApplied, now);
    case 'logsUploaded':
      return findLogs(own.logsUploaded, previous, now);
    default: {
      const reason = reasons[name as keyof typeof reasons];
      const value = values[name];
      if (isStale(observation.valuesAt, now)) return stale(value, observation.valuesAt);
      if (value === undefined) return notMeasured(name, observation, reason);
      if (name === 'currentConnections' && observation.capacity <= 0) {
        const said = 'the server does not say how many connections it can hold';
        return { ...unknown(said, metricRules[name].remedy), value };
      }
      return judged(name, value, reason, bandsOf(name, observation));
    }
  }
}

const neverCheckedIn: Finding = {
  status: 'unknown',
  reason: 'the server has never checked in',
  remedy: 'let it join: make a join token for it and give that to the agent on the server',
};

function unknown(reason: string, remedy: string): Finding {
  return { status: 'unknown', reason, remedy };
}

/** The server says nothing any more, so nobody knows how it is now. */
function isStale(valuesAt: Date | undefined, now: Date): boolean {
  return valuesAt !== undefined && now.getTime() - valuesAt.getTime() > offlineAfterSeconds * 1000;
}

function stale(value: number | undefined, valuesAt: Date | undefined): Finding {
  return {
    value,
    status: 'unknown',
    reason: `the server has measured nothing since ${valuesAt?.toISOString()}`,
    remedy: metricRules.lastCheckInAge.remedy,
  };
}

function notMeasured(name: HealthMetric, { hasProbeUrl }: Observation, reason: string | undefined): Finding {
  if (name === 'internalNetworkReachable' && !hasProbeUrl) {
    return unknown(
      'the site has no address to probe',
      'set internalNetworkProbeUrl of the site to a service inside that every server must reach',
    );
  }
  if (name === 'imageRegistryReachable') {
    return unknown(
      reason ?? 'no registry of releases is set up',
      'nothing needs to be done unless servers are to be upgraded from a registry',
    );
  }
  return unknown(
    reason ?? 'the server could not measure it yet',
    metricRules[name].remedyWhenUnknown ?? metricRules[name].remedy,
  );
}

/** The bands of a metric with the thresholds that administrators have set and the capacity of the server. */
export function bandsOf(
  name: HealthMetric,
  { thresholds, capacity }: Pick<Observation, 'thresholds' | 'capacity'>,
): Bands | undefined {
  const { bands } = metricRules[name];
  if (bands === undefined) return undefined;
  if (name === 'currentConnections') {
    return { ...bands, healthy: { ...bands.healthy, value: Math.floor(capacity * healthyShareOfCapacity) } };
  }
  const threshold = thresholds[name];
  if (threshold === undefined || bands.warning === undefined) return bands;
  return {
    ...bands,
    healthy: { ...bands.healthy, value: threshold.healthyThreshold },
    warning: { ...bands.warning, value: threshold.unhealthyThreshold },
  };
}

function judged(
  name: HealthMetric,
  value: number | undefined,
  detail: string | undefined,
  bands = metricRules[name].bands,
): Finding {
  const { title, unit, isJudgedWhole } = metricRules[name];
  if (value === undefined) return unknown(detail ?? 'it is not known', metricRules[name].remedy);
  const text = `${title.en}: ${valueText(name, value, 'en')}`;
  const further = detail === undefined ? '' : ` (${detail})`;
  if (bands === undefined) return { value, status: 'healthy', reason: text + further };
  const status = judge(isJudgedWhole ? Math.round(value) : value, bands);
  const limits = metricRules[name].names === undefined ? `; ${describeBands(bands, unit)}` : '';
  return { value, status, reason: text + further + limits };
}

/** A value as people read it. */
export function valueText(name: HealthMetric, value: number, language: 'en' | 'ja'): string {
  const { unit, names } = metricRules[name];
  const named = names?.[value];
  if (named !== undefined) return named[language];
  // A percentage is shown as it is judged.
  const shown = metricRules[name].isJudgedWhole ? Math.round(value) : Math.round(value * 10) / 10;
  return `${shown}${unit}`;
}

function findConfiguration({ configuration }: Observation, value: number | undefined, now: Date): Finding {
  if (configuration === undefined) {
    return unknown(
      'the server was not offered a configuration yet',
      'wait for its next check-in, at most a minute',
    );
  }
  const { status, reason, offeredAt } = configuration;
  if (status !== 'offered') return judged('configurationApplied', value, reason);
  const late = now.getTime() - offeredAt.getTime() > answerTime;
  return {
    value,
    status: late ? 'warning' : value === undefined ? 'unknown' : 'healthy',
    reason: late
      ? `the server has not answered to the configuration that it was offered at ${offeredAt.toISOString()}`
      : 'a configuration is being applied',
    remedy: late
      ? 'on the server run "npm run agent -- status": it says how far the configuration is'
      : 'wait for its next check-in, at most a minute',
  };
}

/** A server that has just joined has an hour for its first logs; that time is counted by how long they are unknown. */
function findLogs(minutes: number | undefined, { logsUploaded }: MetricStates, now: Date): Finding {
  if (minutes !== undefined) return judged('logsUploaded', minutes, undefined);
  const isOverdue =
    logsUploaded !== undefined &&
    (logsUploaded.status !== 'unknown' || now.getTime() - Date.parse(logsUploaded.since) > firstLogsTime);
  if (isOverdue) return { status: 'unhealthy', reason: 'the server has never sent logs' };
  return unknown('the server has an hour for its first logs', 'wait until it has been there for an hour');
}
