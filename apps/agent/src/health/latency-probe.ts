import type { KnownGateway } from './known-gateway.ts';
import { minutes, type Probe, seconds } from './probe.ts';
import { mean, Window } from './window.ts';

/** `latency`: how long a packet takes into the engine and out again, as the gateway measures it, averaged over a minute. */
export function latencyProbe(gateway: KnownGateway): Probe {
  const window = new Window<number>(1 * minutes);
  return {
    metrics: ['latency'],
    periodMilliseconds: 10 * seconds,
    limitMilliseconds: 10 * seconds,
    async measure() {
      window.add(performance.now(), (await gateway.latency()).milliseconds);
      return { latency: { value: Math.round((mean(window.readings) ?? 0) * 1000) / 1000 } };
    },
  };
}
