/** What is remembered of failed attempts. */
export interface FailureCount {
  readonly failures: number;
  /** Milliseconds since 1970. */
  readonly lastFailureAt: number;
}

/** How failures slow down further attempts. Times are in milliseconds. */
export interface ThrottleRule {
  /** Failures that cost nothing: people mistype. */
  readonly free: number;
  /** The wait after the first failure that costs something; each further one doubles it. */
  readonly firstWait: number;
  readonly longestWait: number;
  /** Time without a failure after which the count begins anew. */
  readonly forgetAfter: number;
}

const second = 1_000;
const minute = 60 * second;

/**
 * From one address (IPv6: one /64), whatever the names. Ten, because an office may share an address; in the end four guesses
 * an hour.
 */
export const addressRule: ThrottleRule = {
  free: 10,
  firstWait: second,
  longestWait: 15 * minute,
  forgetAfter: 60 * minute,
};

/** For one account from one address where it has signed in before. */
export const knownAddressRule: ThrottleRule = {
  free: 5,
  firstWait: second,
  longestWait: 15 * minute,
  forgetAfter: 60 * minute,
};

/**
 * For one account from all addresses together where it has never signed in. Many addresses can keep this count high for
 * ever, so it slows down and never locks: in the end one guess a minute, whoever makes it. Addresses where the account
 * has signed in before have counts of their own, so an attacker elsewhere cannot keep its owner out.
 */
export const unknownAddressRule: ThrottleRule = {
  free: 5,
  firstWait: second,
  longestWait: minute,
  forgetAfter: 60 * minute,
};

/** Milliseconds until the next attempt may be made; 0 when it may be made now. */
export function waitOf(rule: ThrottleRule, count: FailureCount | undefined, now: number): number {
  if (count === undefined || isForgotten(rule, count, now) || count.failures < rule.free) return 0;
  // Beyond 2^30 the longest wait is reached in any case.
  const doublings = Math.min(count.failures - rule.free, 30);
  const whole = Math.min(rule.firstWait * 2 ** doublings, rule.longestWait);
  return Math.max(0, whole - elapsed(count, now));
}

/** The count after one more failure. */
export function countFailure(rule: ThrottleRule, count: FailureCount | undefined, now: number): FailureCount {
  const before = count === undefined || isForgotten(rule, count, now) ? 0 : count.failures;
  return { failures: before + 1, lastFailureAt: now };
}

function isForgotten(rule: ThrottleRule, count: FailureCount, now: number): boolean {
  return elapsed(count, now) >= rule.forgetAfter;
}

/** Clocks of replicas differ a little; a failure of the future was now. */
function elapsed({ lastFailureAt }: FailureCount, now: number): number {
  return Math.max(0, now - lastFailureAt);
}
