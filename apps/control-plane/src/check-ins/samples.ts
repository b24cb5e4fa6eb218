import type { HealthSample } from '@culvert/contracts';

const second = 1_000;
const minute = 60 * second;
const day = 24 * 60 * minute;
/** Milliseconds by which the clock of a server may be off without being corrected. */
const tolerated = minute;

/**
 * Milliseconds to add to the times of a server whose clock is off, told by when it has sent them. Whole minutes, so that a
 * sample that is sent again has the same time again.
 */
export function clockCorrection(sentAt: string | undefined, now: Date): number {
  if (sentAt === undefined) return 0;
  const off = now.getTime() - Date.parse(sentAt);
  return Math.abs(off) <= tolerated ? 0 : Math.round(off / minute) * minute;
}

/**
 * The samples that are kept, with their times corrected and in one way of writing: none of the future, none older than a day,
 * and at most one for each second, whatever a server sends.
 */
export function acceptableSamples(
  samples: readonly HealthSample[],
  now: Date,
  correction = 0,
): HealthSample[] {
  return samples
    .map((sample) => ({ ...sample, time: Date.parse(sample.at) + correction }))
    .filter(({ time }) => time <= now.getTime() + tolerated && time >= now.getTime() - day)
    .map(({ time, values }) => ({ at: new Date(Math.floor(time / second) * second).toISOString(), values }));
}

/** The newest of these; undefined when there are none. */
export function newestSample(samples: readonly HealthSample[]): HealthSample | undefined {
  return samples.reduce<HealthSample | undefined>(
    (newest, sample) => (newest === undefined || sample.at >= newest.at ? sample : newest),
    undefined,
  );
}
