import type { AgentMetric, CheckIn, HealthSample } from '@culvert/contracts';

/** What the simulated agents of a run have to tell. */
export interface Situation {
  /** Number of the agent. */
  index: number;
  now: Date;
  appliedRevision: string | undefined;
  /** When the samples were taken that have not been sent yet, oldest first. */
  sampleTimes: readonly Date[];
}

/** A check-in as a real agent of a server in use sends it: every metric, every version. */
export function checkInDocument({ index, now, appliedRevision, sampleTimes }: Situation): CheckIn {
  const connected = (index * 37 + now.getMinutes()) % 4_000;
  return {
    hostName: `gateway-${index}.example.com`,
    versions: { agent: '0.1.0', gateway: '0.1.0', engine: '0.1.0' },
    digests: {},
    ...(appliedRevision === undefined
      ? {}
      : {
          appliedRevision,
          configuration: { revision: appliedRevision, status: 'applied', at: now.toISOString() },
        }),
    sessions: { connected, away: index % 50, capacity: 64_000 },
    samples: sampleTimes.map((at) => sample(index, connected, at)),
    reasons: {
      tlsCertificateRevoked: 'The certificate names no OCSP responder and no revocation list.',
      imageRegistryReachable: 'The site has no address of a registry.',
    },
    commandResults: [],
    logsAreVerbose: false,
  };
}

function sample(index: number, connected: number, at: Date): HealthSample {
  const turn = (index * 7 + at.getMinutes()) % 100;
  const values: Record<AgentMetric, number> = {
    currentConnections: connected,
    throughput: connected * 120,
    cpuUsage: 20 + turn / 2,
    cpuCores: 4,
    memoryUsage: 30 + turn / 4,
    diskFree: 80.5,
    latency: 0.4 + turn / 100,
    agentCertificateDaysLeft: 89.9,
    tlsCertificateDaysLeft: 300.5,
    tlsCertificateRevoked: 1,
    internalNetworkReachable: 1,
    imageRegistryReachable: 1,
    serverContainerHealthy: 1,
  };
  return { at: at.toISOString(), values };
}
