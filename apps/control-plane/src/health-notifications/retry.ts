const second = 1_000;
const hour = 3_600 * second;

/** Milliseconds after the first attempt that failed; each further pause is twice as long, up to the longest. */
const firstPause = 30 * second;
const longestPause = 2 * hour;

/** Milliseconds for which a message is tried. */
export const triedFor = 24 * hour;

/**
 * When a message is to be tried again that was made at `createdAt` and has failed `failures` times, the last time at `now`;
 * undefined when it is given up. `random` is from 0 to 1.
 */
export function nextAttempt(
  { createdAt, failures }: { createdAt: Date; failures: number },
  now: Date,
  random: number,
): Date | undefined {
  const pause = Math.min(longestPause, firstPause * 2 ** Math.min(failures - 1, 20));
  // A service that comes back must not get everything in the same second.
  const next = now.getTime() + pause * (0.9 + 0.2 * random);
  return next > createdAt.getTime() + triedFor ? undefined : new Date(next);
}
