import type { AgentMetric } from '@culvert/contracts';

/** One metric: a value, or a reason why there is none, or both. */
export type Measurement = { value: number; reason?: string } | { value?: never; reason: string };
export type Measurements = Partial<Record<AgentMetric, Measurement>>;

/** Measures one thing again and again; may remember what it has measured before. */
export interface Probe {
  metrics: readonly AgentMetric[];
  /** Between two measurements. */
  periodMilliseconds: number;
  /** The same after a measurement that was rejected or took too long; `periodMilliseconds` by default. */
  retryMilliseconds?: number;
  /** A measurement that takes longer counts as failed. */
  limitMilliseconds: number;
  /** What it measures, when that may change: it is measured again at once, and no result of before is told any more. */
  subject?: () => string;
  /** A rejection leaves out the values of this probe and is their reason. */
  measure(signal: AbortSignal): Promise<Measurements>;
}

export const seconds = 1000;
export const minutes = 60 * seconds;

/** The words of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
