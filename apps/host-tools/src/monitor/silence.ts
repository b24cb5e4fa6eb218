/**
 * Tells when something has been unwell for so long that it will not recover by itself. Times are in milliseconds of a clock
 * that only goes forward.
 */
export class Silence {
  readonly #limitMilliseconds: number;
  #since: number | undefined;

  constructor(limitMilliseconds: number) {
    this.#limitMilliseconds = limitMilliseconds;
  }

  /** True once it has been unwell for the limit without a break; counted anew afterwards. */
  observe(now: number, isWell: boolean): boolean {
    if (isWell) {
      this.#since = undefined;
      return false;
    }
    this.#since ??= now;
    if (now - this.#since < this.#limitMilliseconds) return false;
    this.#since = undefined;
    return true;
  }
}

/** Tells when something is well for long enough, or has not become so in time. */
export class SteadyHealth {
  readonly #startedAt: number;
  readonly #rule: { withinMilliseconds: number; settleMilliseconds: number };
  #wellSince: number | undefined;

  constructor(startedAt: number, rule: { withinMilliseconds: number; settleMilliseconds: number }) {
    this.#startedAt = startedAt;
    this.#rule = rule;
  }

  /** `failed` once it was not well in time, and has not been well since. */
  observe(now: number, isWell: boolean): 'waiting' | 'steady' | 'failed' {
    const { withinMilliseconds, settleMilliseconds } = this.#rule;
    if (!isWell) {
      this.#wellSince = undefined;
      return now - this.#startedAt >= withinMilliseconds ? 'failed' : 'waiting';
    }
    this.#wellSince ??= now;
    return now - this.#wellSince >= settleMilliseconds ? 'steady' : 'waiting';
  }
}
