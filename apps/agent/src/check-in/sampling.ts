import { setTimeout as sleep } from 'node:timers/promises';
import type { HealthReasons, HealthSample } from '@culvert/contracts';
import type { Logger } from 'pino';
import type { HealthSource } from '../health/source.ts';

/** Milliseconds between two samples. */
const interval = 60_000;

export interface SamplingOptions {
  source: Pick<HealthSource, 'sample'>;
  logger: Logger;
  now: () => Date;
  /** Called with each sample. */
  keep: (sample: HealthSample, reasons: HealthReasons) => Promise<void>;
  signal: AbortSignal;
}

/** Measures once a minute until the signal; nothing that it meets with reaches the rest of the agent. */
export async function takeSamples({ source, logger, now, keep, signal }: SamplingOptions): Promise<void> {
  let pending: Promise<void> | undefined;
  const measure = async () => {
    const { values, reasons } = await source.sample();
    await keep({ at: now().toISOString(), values }, reasons);
  };
  while (!signal.aborted) {
    if (pending === undefined) {
      pending = measure()
        .catch((error: unknown) =>
          logger.error({ reason: error instanceof Error ? error.message : String(error) }, 'no sample'),
        )
        .finally(() => {
          pending = undefined;
        });
    } else {
      logger.warn('the measurements of before are not finished; this minute has none');
    }
    await sleep(interval, undefined, { signal }).catch(() => {});
  }
}
