import { evaluateMetrics } from './evaluate.ts';
import type { MetricHealth, MetricStates, Observation } from './observation.ts';
import { evaluateOverall, type Overall, type UpgradeOutcome } from './overall.ts';

/** A server with everything that its health is judged by. */
export interface ObservedServer {
  id: string;
  displayName: string;
  siteId: string;
  siteName: string;
  observation: Observation;
  upgrade: UpgradeOutcome | undefined;
  acknowledgedUpgrade: string | undefined;
  /** As it was judged last; undefined before the first time. */
  previous: { overall: Overall; metrics: MetricStates } | undefined;
  versions: { agent: string | null; gateway: string | null; engine: string | null };
  sessions: { connected: number; away: number; capacity: number };
}

/** How a server is at this moment. */
export interface Assessment {
  metrics: MetricHealth[];
  overall: Overall;
}

/** Judges a server as it is at this moment. */
export function assess(server: ObservedServer, now: Date): Assessment {
  const { observation, upgrade, acknowledgedUpgrade, previous } = server;
  const metrics = evaluateMetrics(observation, previous?.metrics ?? {}, now);
  const { lastCheckInAt } = observation;
  const input = { lastCheckInAt, metrics, upgrade, acknowledgedUpgrade };
  return { metrics, overall: evaluateOverall(input, previous?.overall, now) };
}
