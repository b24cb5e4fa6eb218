import { setTimeout as sleep } from 'node:timers/promises';
import type { HostPaths } from '../host-paths.ts';
import { IdentityStore } from '../identity/identity-store.ts';
import { agentCertificateProbe, gatewayProbe } from './gateway-probes.ts';
import { coresProbe, diskProbe, memoryProbe, processorProbe } from './host-probes.ts';
import type { ProxyFor } from './http-request.ts';
import { KnownGateway } from './known-gateway.ts';
import { latencyProbe } from './latency-probe.ts';
import { seconds } from './probe.ts';
import { ProbeRunner } from './probe-runner.ts';
import { imageRegistryProbe, internalNetworkProbe } from './reachability-probes.ts';
import { revocationProbe } from './revocation-probe.ts';
import type { HealthSettings, HealthSource } from './source.ts';
import { throughputProbe } from './throughput-probe.ts';

export interface HealthSourceOptions {
  paths: Pick<HostPaths, 'directory' | 'adminSocket' | 'agentDirectory'>;
  /** For what lies outside: OCSP, CRL, images. */
  proxyFor: ProxyFor;
  /** What the site wants measured, when it is known already; `configure` tells it later. */
  settings?: HealthSettings;
}

/** The first sample waits this long for measurements that are under way; what takes longer is in the next one. */
const firstSampleMilliseconds = 3 * seconds;

export interface RunningHealthSource extends HealthSource {
  /** Resolves when everything has been measured once. */
  measured(): Promise<void>;
}

/** Begins to measure every metric that an agent measures, and goes on until `close`. */
export function createHealthSource(options: HealthSourceOptions): RunningHealthSource {
  const { paths, proxyFor } = options;
  let { settings } = options;
  const now = () => new Date();
  const gateway = new KnownGateway(paths.adminSocket);
  const runner = new ProbeRunner([
    gatewayProbe(gateway, now),
    latencyProbe(gateway),
    throughputProbe(gateway),
    processorProbe(),
    memoryProbe(),
    coresProbe(),
    diskProbe(paths.directory),
    agentCertificateProbe(new IdentityStore(paths.agentDirectory).certificateFile, now),
    revocationProbe(gateway, proxyFor, now),
    internalNetworkProbe(() => settings),
    imageRegistryProbe(() => settings, proxyFor),
  ]);
  return {
    measured: () => runner.measured(),
    async sample() {
      const patience = new AbortController();
      const { signal } = patience;
      const waited = sleep(firstSampleMilliseconds, undefined, { signal }).catch(() => {
        // Everything was there before.
      });
      await Promise.race([runner.measured(), waited]);
      patience.abort();
      return runner.reading();
    },
    configure(changed) {
      settings = changed;
    },
    async close() {
      runner.stop();
    },
  };
}
