import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentMetric } from '@culvert/contracts';
import { type Measurements, messageOf, type Probe, seconds } from './probe.ts';
import type { HealthReading } from './source.ts';

/** As long as a reason may be in a check-in. */
const longestReason = 500;
/** How often is looked whether what a probe measures has become another thing. */
const lookMilliseconds = 2 * seconds;

interface Latest {
  subject: string;
  measurements: Measurements;
}

/** Runs probes beside each other, each at its own pace. One that hangs or fails leaves out its own values only. */
export class ProbeRunner {
  readonly #probes: readonly Probe[];
  readonly #latest = new Map<Probe, Latest>();
  readonly #first = new Map<Probe, PromiseWithResolvers<void>>();
  readonly #stop = new AbortController();

  constructor(probes: readonly Probe[]) {
    this.#probes = probes;
    for (const probe of probes) {
      this.#first.set(probe, Promise.withResolvers());
      void this.#run(probe);
    }
  }

  /** Resolves when each probe has been measured once. */
  async measured(): Promise<void> {
    await Promise.all([...this.#first.values()].map(({ promise }) => promise));
  }

  /** What was measured last. */
  reading(): HealthReading {
    const reading: HealthReading = { values: {}, reasons: {} };
    for (const probe of this.#probes) {
      const latest = this.#latest.get(probe);
      const isOfNow = latest?.subject === (probe.subject?.() ?? '');
      for (const metric of probe.metrics) {
        add(reading, metric, isOfNow ? latest?.measurements : undefined);
      }
    }
    return reading;
  }

  stop(): void {
    this.#stop.abort();
    for (const { resolve } of this.#first.values()) resolve();
  }

  async #run(probe: Probe): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const subject = probe.subject?.() ?? '';
      const { measurements, failed } = await measureWithin(probe, signal);
      if (signal.aborted) return;
      this.#latest.set(probe, { subject, measurements });
      this.#first.get(probe)?.resolve();
      const { periodMilliseconds, retryMilliseconds = periodMilliseconds } = probe;
      await this.#rest(probe, subject, failed ? retryMilliseconds : periodMilliseconds);
    }
  }

  /** Until the next measurement is due. */
  async #rest(probe: Probe, subject: string, milliseconds: number): Promise<void> {
    const { signal } = this.#stop;
    const options = { ref: false, signal };
    for (let rested = 0; rested < milliseconds && !signal.aborted; ) {
      const rest =
        probe.subject === undefined ? milliseconds : Math.min(lookMilliseconds, milliseconds - rested);
      await sleep(rest, undefined, options).catch(() => {
        // Only the stop ends a rest early; the loop sees it.
      });
      rested += rest;
      if ((probe.subject?.() ?? '') !== subject) return;
    }
  }
}

/** Measures once; resolves at the latest after the limit of the probe, also when the probe does not heed its signal. */
export async function measureWithin(
  probe: Probe,
  stop: AbortSignal,
): Promise<{ measurements: Measurements; failed: boolean }> {
  const { limitMilliseconds } = probe;
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), limitMilliseconds);
  const signal = AbortSignal.any([stop, over.signal]);
  const ended = new Promise<never>((_, reject) => {
    const fail = () =>
      reject(new Error(`the measurement took longer than ${limitMilliseconds / 1000} seconds`));
    signal.addEventListener('abort', fail, { once: true });
  });
  try {
    return { measurements: await Promise.race([probe.measure(signal), ended]), failed: false };
  } catch (error) {
    const reason = messageOf(error);
    return {
      measurements: Object.fromEntries(probe.metrics.map((metric) => [metric, { reason }])),
      failed: true,
    };
  } finally {
    clearTimeout(timer);
  }
}

function add(reading: HealthReading, metric: AgentMetric, measurements: Measurements | undefined): void {
  const measurement = measurements?.[metric] ?? { reason: 'this has not been measured yet' };
  const { value, reason } = measurement;
  if (value !== undefined && Number.isFinite(value)) reading.values[metric] = value;
  else if (value !== undefined) reading.reasons[metric] = 'the measurement gave no number';
  if (reason !== undefined) reading.reasons[metric] = shorten(reason);
}

function shorten(reason: string): string {
  return reason.length <= longestReason ? reason : `${reason.slice(0, longestReason - 1)}…`;
}
