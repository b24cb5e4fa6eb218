import type { HealthSample } from '@culvert/contracts';

const day = 86_400_000;
/** Milliseconds by which the clock of a server may be ahead. */
const ahead = 60_000;

/** The samples that are kept, with their times in one way of writing: none of the future, and none older than a day. */
export function acceptableSamples(samples: readonly HealthSample[], now: Date): HealthSample[] {
  return samples
    .map((sample) => ({ ...sample, time: Date.parse(sample.at) }))
    .filter(({ time }) => time <= now.getTime() + ahead && time >= now.getTime() - day)
    .map(({ time, values }) => ({ at: new Date(time).toISOString(), values }));
}

/** The newest of these; undefined when there are none. */
export function newestSample(samples: readonly HealthSample[]): HealthSample | undefined {
  return samples.reduce<HealthSample | undefined>(
    (newest, sample) => (newest === undefined || sample.at >= newest.at ? sample : newest),
    undefined,
  );
}
