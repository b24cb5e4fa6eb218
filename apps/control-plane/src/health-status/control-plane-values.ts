import type { HealthMetric } from '@culvert/contracts';
import type { Observation } from './observation.ts';

/** The metrics that no agent sends. */
export type ControlPlaneMetric =
  | 'lastCheckInAge'
  | 'versionsBehind'
  | 'configurationApplied'
  | 'logsUploaded';

/** What only the control plane knows of a server at this moment; nothing is made up. */
export function controlPlaneValues(
  { lastCheckInAt, configuration, lastLogsAt, versionsBehind }: Observation,
  now: Date,
): Partial<Record<ControlPlaneMetric & HealthMetric, number>> {
  const since = (moment: Date) => Math.max(0, Math.floor((now.getTime() - moment.getTime()) / 1000));
  return {
    ...(lastCheckInAt === undefined ? {} : { lastCheckInAge: since(lastCheckInAt) }),
    ...(versionsBehind === undefined ? {} : { versionsBehind }),
    ...configurationValue(configuration),
    ...(lastLogsAt === undefined ? {} : { logsUploaded: Math.floor(since(lastLogsAt) / 60) }),
  };
}

function configurationValue(outcome: Observation['configuration']): { configurationApplied?: number } {
  if (outcome === undefined) return {};
  if (outcome.status === 'offered') return outcome.hasEarlier ? { configurationApplied: 1 } : {};
  return { configurationApplied: outcome.status === 'applied' ? 1 : 0 };
}
