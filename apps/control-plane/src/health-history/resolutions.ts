const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** How finely samples are kept, from the finest on. */
export const resolutions = {
  minute: { milliseconds: minute, keptFor: day },
  fiveMinutes: { milliseconds: 5 * minute, keptFor: 31 * day },
  hour: { milliseconds: hour, keptFor: 366 * day },
} as const;
export type Resolution = keyof typeof resolutions;

/** Those that are averages of a finer one. */
export type Averaged = Exclude<Resolution, 'minute'>;

/** Of what the averages are. */
export const finerThan = { fiveMinutes: 'minute', hour: 'fiveMinutes' } as const satisfies Record<
  Averaged,
  Resolution
>;

/** A span of time: from `start` on, before `end`. */
export interface Span {
  start: Date;
  end: Date;
}

/** The bucket of this resolution into which a moment falls. */
export function bucketOf(resolution: Averaged, at: Date): Span {
  const { milliseconds } = resolutions[resolution];
  const start = Math.floor(at.getTime() / milliseconds) * milliseconds;
  return { start: new Date(start), end: new Date(start + milliseconds) };
}

/** The moment before which samples of this resolution are not kept one by one any more. */
export function keptSince(resolution: Resolution, now: Date): Date {
  return new Date(now.getTime() - resolutions[resolution].keptFor);
}

/** Points that a picture of one metric can show; a day of minutes is 1,440 and a week of five minutes is 2,016. */
const comfortablePoints = 2_100;

/**
 * The resolution for a series: the finest one that is still kept at its beginning and that has no more points than a picture
 * can show. A year is told in hours, however many.
 */
export function resolutionFor({ start, end }: Span, now: Date): Resolution {
  const span = end.getTime() - start.getTime();
  const fits = (['minute', 'fiveMinutes'] as const).find(
    (resolution) =>
      // Half an hour more, because "the last day" is asked for a little after it began.
      start.getTime() >= keptSince(resolution, now).getTime() - hour / 2 &&
      span / resolutions[resolution].milliseconds <= comfortablePoints,
  );
  return fits ?? 'hour';
}
