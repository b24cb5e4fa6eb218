import { z } from 'zod';

interface MetricKind {
  /** Who measures it. What only the control plane can know is never sent by an agent. */
  measuredBy: 'agent' | 'controlPlane';
  description: string;
}

/**
 * What is known of the health of a server, by the names of `getHealthMetrics` and `getHealthMetricTimeSeries`. Graph does not
 * publish its names; these are ours. Where nothing can be measured there is no value, never a made-up one.
 */
export const healthMetrics = {
  lastCheckInAge: { measuredBy: 'controlPlane', description: 'Seconds since the last check-in' },
  currentConnections: { measuredBy: 'agent', description: 'Devices with an open tunnel' },
  throughput: { measuredBy: 'agent', description: 'Kilobits a second through the public side' },
  cpuUsage: { measuredBy: 'agent', description: 'Percent of all processors, averaged over five minutes' },
  cpuCores: { measuredBy: 'agent', description: 'Processors' },
  memoryUsage: { measuredBy: 'agent', description: 'Percent of memory, averaged over five minutes' },
  diskFree: { measuredBy: 'agent', description: 'Gigabytes that are free' },
  latency: {
    measuredBy: 'agent',
    description: 'Milliseconds for a packet to enter the gateway and to leave it',
  },
  agentCertificateDaysLeft: {
    measuredBy: 'agent',
    description: 'Days until the certificate of the agent expires',
  },
  tlsCertificateDaysLeft: {
    measuredBy: 'agent',
    description: 'Days until the certificate of the site expires',
  },
  tlsCertificateRevoked: { measuredBy: 'agent', description: '0 not revoked, 1 cannot be told, 2 revoked' },
  internalNetworkReachable: { measuredBy: 'agent', description: '0 not reachable, 1 reachable' },
  imageRegistryReachable: { measuredBy: 'agent', description: '0 not reachable, 1 reachable' },
  versionsBehind: {
    measuredBy: 'controlPlane',
    description: 'Releases between the one of this server and the newest',
  },
  serverContainerHealthy: { measuredBy: 'agent', description: '0 not healthy, 1 healthy' },
  configurationApplied: { measuredBy: 'controlPlane', description: '0 failed, 1 applied' },
  logsUploaded: { measuredBy: 'controlPlane', description: 'Minutes since logs were sent' },
} as const satisfies Record<string, MetricKind>;

export type HealthMetric = keyof typeof healthMetrics;
export const healthMetricNames = Object.keys(healthMetrics) as [HealthMetric, ...HealthMetric[]];

/** Those that an agent measures and sends. */
export type AgentMetric = {
  [Name in HealthMetric]: (typeof healthMetrics)[Name]['measuredBy'] extends 'agent' ? Name : never;
}[HealthMetric];
export const agentMetricNames = healthMetricNames.filter(
  (name) => healthMetrics[name].measuredBy === 'agent',
) as [AgentMetric, ...AgentMetric[]];

/** Values of one moment; a metric that could not be measured is left out. */
export const healthSampleSchema = z.strictObject({
  at: z.iso.datetime(),
  values: z.partialRecord(z.enum(agentMetricNames), z.number()),
});
export type HealthSample = z.output<typeof healthSampleSchema>;

/**
 * Why a metric has its value, or none, in a sentence for the administrator: the address that does not answer, the issuer that
 * has revoked, "the site has no probe URL". Only of the latest sample.
 */
export const healthReasonsSchema = z.partialRecord(z.enum(agentMetricNames), z.string().max(500));
export type HealthReasons = z.output<typeof healthReasonsSchema>;
