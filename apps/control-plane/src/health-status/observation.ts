import type { HealthMetric, HealthReasons } from '@culvert/contracts';
import type { Threshold } from '../health-thresholds/thresholds.ts';
import type { MetricStatus } from './bands.ts';

/** What became of the newest configuration that a server was offered. */
export interface ConfigurationOutcome {
  status: 'offered' | 'applied' | 'failed';
  reason?: string | undefined;
  offeredAt: Date;
  /** Whether an earlier one is in use. */
  hasEarlier: boolean;
}

/** Everything that the health of one server is judged by. */
export interface Observation {
  /** Undefined for a server that has never checked in. */
  lastCheckInAt: Date | undefined;
  /** The latest that the agent has measured, and when. */
  values: Partial<Record<HealthMetric, number>>;
  valuesAt: Date | undefined;
  reasons: HealthReasons;
  /** Connections that the server can hold; 0 while nothing serves. */
  capacity: number;
  /** By metric; those that nobody has changed may be left out. */
  thresholds: Partial<Record<HealthMetric, Threshold>>;
  configuration: ConfigurationOutcome | undefined;
  lastLogsAt: Date | undefined;
  /** Undefined while no release is known, or the version is not one. */
  versionsBehind: number | undefined;
  hasProbeUrl: boolean;
}

/** The status of a metric and since when it has that. */
export interface MetricState {
  status: MetricStatus;
  since: string;
}
export type MetricStates = Partial<Record<HealthMetric, MetricState>>;

/** A metric as it is at one moment. */
export interface MetricHealth {
  name: HealthMetric;
  /** Absent where nothing is known. */
  value: number | undefined;
  status: MetricStatus;
  since: string;
  /** Why it has that status, for people. */
  reason: string;
  /** What to do; absent while it is healthy. */
  remedy: string | undefined;
}
