/** Milliseconds between two probes of one caller, and between two to one address. */
const callerMilliseconds = 5_000;
const addressMilliseconds = 3_000;
/** Probes that run at the same time in this process. */
const mostAtOnce = 8;
/** Entries that are kept at most; they are few seconds old. */
const mostRemembered = 10_000;

/** Bounds what the control plane connects to on behalf of others. One for each process. */
export class ProbeLimit {
  readonly #last = new Map<string, number>();
  #running = 0;

  /** Seconds to wait, or 0 when the probe may begin, which then counts. `now` in milliseconds. */
  admit(caller: string, addresses: readonly string[], now: number): number {
    const keys = [
      { key: `caller ${caller}`, pause: callerMilliseconds },
      ...addresses.map((address) => ({ key: `address ${address}`, pause: addressMilliseconds })),
    ];
    const waits = keys.map(
      ({ key, pause }) => (this.#last.get(key) ?? Number.NEGATIVE_INFINITY) + pause - now,
    );
    const wait = Math.max(...waits, this.#running >= mostAtOnce ? 1_000 : 0);
    if (wait > 0) return Math.ceil(wait / 1000);
    this.#forget(now);
    for (const { key } of keys) this.#last.set(key, now);
    return 0;
  }

  /** Runs a probe that was admitted. */
  async run<Result>(probe: () => Promise<Result>): Promise<Result> {
    this.#running += 1;
    try {
      return await probe();
    } finally {
      this.#running -= 1;
    }
  }

  #forget(now: number): void {
    for (const [key, at] of this.#last) {
      if (at + callerMilliseconds > now && this.#last.size < mostRemembered) break;
      this.#last.delete(key);
    }
  }
}
