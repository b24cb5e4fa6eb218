/**
 * What servers report of their health, by the names of `getHealthMetrics` and `getHealthMetricTimeSeries`. Graph does
 * not publish its names; these are ours. Values are whole numbers.
 */
export const healthMetrics = {
  lastCheckInAge: 'Seconds since the last check-in',
  currentConnections: 'Devices with an open tunnel',
  throughput: 'Kilobits a second through the public side',
  cpuUsage: 'Percent of all processors, averaged over five minutes',
  cpuCores: 'Processors',
  memoryUsage: 'Percent of memory, averaged over five minutes',
  diskFree: 'Gigabytes that are free',
  latency: 'Milliseconds for a packet from one side of the gateway to the other',
  agentCertificateDaysLeft: 'Days until the certificate of the agent expires',
  tlsCertificateDaysLeft: 'Days until the certificate of the site expires',
  tlsCertificateRevoked: '0 not revoked, 1 cannot be told, 2 revoked',
  internalNetworkReachable: '0 not reachable, 1 reachable',
  imageRegistryReachable: '0 not reachable, 1 reachable',
  versionsBehind: 'Releases between this one and the newest',
  serverContainerHealthy: '0 not healthy, 1 healthy',
  configurationApplied: '0 failed, 1 applied',
  logsUploaded: 'Minutes since logs were sent',
} as const;

export type HealthMetric = keyof typeof healthMetrics;

export const healthMetricNames = Object.keys(healthMetrics) as [HealthMetric, ...HealthMetric[]];
