/** When a process that ended by itself is started again. */
export interface BackOffRule {
  firstMilliseconds: number;
  longestMilliseconds: number;
  /** A process that ran for this long had started well. */
  wellMilliseconds: number;
}

export const backOffRule: BackOffRule = {
  firstMilliseconds: 1_000,
  longestMilliseconds: 30_000,
  wellMilliseconds: 60_000,
};

/** Milliseconds until the next start: twice as long as before each time, from the beginning after a process that ran well. */
export function delayAfter(
  previous: number | undefined,
  ranMilliseconds: number,
  { firstMilliseconds, longestMilliseconds, wellMilliseconds }: BackOffRule,
): number {
  if (previous === undefined || ranMilliseconds >= wellMilliseconds) return firstMilliseconds;
  return Math.min(longestMilliseconds, previous * 2);
}
