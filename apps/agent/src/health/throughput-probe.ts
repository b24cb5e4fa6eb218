import type { KnownGateway } from './known-gateway.ts';
import { type Measurement, minutes, type Probe, seconds } from './probe.ts';
import { readTwiceAtFirst } from './read-twice.ts';
import { bytesBetween, type InterfaceReading, kilobitsPerSecond } from './traffic.ts';
import { Window } from './window.ts';

/** `throughput` of the last minute through the public side of the gateway. */
export function throughputProbe(gateway: KnownGateway): Probe {
  const window = new Window<number>(1 * minutes);
  let before: InterfaceReading | undefined;
  let total = 0;
  const read = async () => {
    const { interfaces } = await gateway.traffic();
    const reading = new Map(interfaces.map(({ name, ...counters }) => [name, counters]));
    if (before !== undefined) total += bytesBetween(before, reading);
    before = reading;
    window.add(performance.now(), total);
  };
  return {
    metrics: ['throughput'],
    periodMilliseconds: 10 * seconds,
    limitMilliseconds: 10 * seconds,
    async measure(signal) {
      await readTwiceAtFirst(window.ends() !== undefined, signal, read);
      return { throughput: rate(window.ends()) };
    },
  };
}

function rate(ends: { first: number; last: number; milliseconds: number } | undefined): Measurement {
  if (ends === undefined || ends.milliseconds <= 0) return { reason: 'there is only one reading yet' };
  return { value: kilobitsPerSecond(ends.last - ends.first, ends.milliseconds) };
}
