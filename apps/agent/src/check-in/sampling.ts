import { setTimeout as sleep } from 'node:timers/promises';
import type { HealthReasons, HealthSample } from '@culvert/contracts';
import type { Logger } from 'pino';
import type { HealthReading, HealthSource } from '../health/source.ts';

/** Milliseconds between two samples. */
const interval = 60_000;
/** Milliseconds between two looks at what was measured. */
const lookInterval = 5_000;
/** Milliseconds that a measurement which comes and goes has to wait. */
const gainedInterval = 10_000;

/** The last sample that was taken; `at` in milliseconds of Unix time. */
export interface TakenSample {
  reading: HealthReading;
  at: number;
}

/**
 * Why a reading is to be a sample: a minute has passed, or something has happened which nobody should wait a minute for: the
 * gateway has come or gone, or a metric has its first value. Undefined when it is not.
 */
export function reasonToSample(
  last: TakenSample | undefined,
  { values }: HealthReading,
  now: number,
): 'news' | 'minute' | undefined {
  if (last === undefined) return 'news';
  if (last.reading.values.serverContainerHealthy !== values.serverContainerHealthy) return 'news';
  const gained = Object.keys(values).some((name) => !Object.hasOwn(last.reading.values, name));
  if (gained && now - last.at >= gainedInterval) return 'news';
  // A clock that was put back must not stop the samples.
  return now - last.at >= interval || now < last.at ? 'minute' : undefined;
}

export interface SamplingOptions {
  source: Pick<HealthSource, 'sample'>;
  logger: Logger;
  now: () => Date;
  /** Called with each sample. */
  keep: (sample: HealthSample, reasons: HealthReasons, isNews: boolean) => Promise<void>;
  signal: AbortSignal;
}

/** Takes samples until the signal. Nothing that it meets with reaches the rest of the agent. */
export async function takeSamples({ source, logger, now, keep, signal }: SamplingOptions): Promise<void> {
  let last: TakenSample | undefined;
  let isMeasuring = false;
  const measure = async () => {
    const reading = await source.sample();
    const at = now();
    const reason = reasonToSample(last, reading, at.getTime());
    if (reason === undefined) return;
    last = { reading, at: at.getTime() };
    await keep({ at: at.toISOString(), values: reading.values }, reading.reasons, reason === 'news');
  };
  while (!signal.aborted) {
    if (!isMeasuring) {
      isMeasuring = true;
      measure()
        .catch((error: unknown) =>
          logger.error({ reason: error instanceof Error ? error.message : String(error) }, 'no sample'),
        )
        .finally(() => {
          isMeasuring = false;
        });
    }
    await sleep(lookInterval, undefined, { signal }).catch(() => {});
  }
}
