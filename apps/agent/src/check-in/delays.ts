/** Milliseconds. Times are of a clock that only goes forward, never of the wall. */
export const pace = {
  /** Share of the time between two check-ins that they move by, either way. */
  jitter: 0.1,
  shortestBackOff: 1_000,
  longestBackOff: 300_000,
  /** Between two check-ins that something has asked for. */
  atOnce: 1_000,
  /** After a held request was cut off, so that a thousand agents do not come back in one second. */
  afterLostWait: 10_000,
  /** How often a server that must join again asks whether that is still so. */
  refused: 300_000,
} as const;

/** `value` moved by at most `share` of itself, either way. `random` of [0, 1). */
export function spread(value: number, share: number, random: number): number {
  return value * (1 - share + 2 * share * random);
}

/**
 * Milliseconds to wait after the `failures`th failure in a row: exponential with full jitter, so that many that failed
 * together do not come back together. Never less than the other side has asked for.
 */
export function backOff(failures: number, retryAfter: number | undefined, random: number): number {
  const ceiling = Math.min(pace.longestBackOff, pace.shortestBackOff * 2 ** Math.min(failures - 1, 30));
  return (retryAfter ?? 0) + ceiling * random;
}
