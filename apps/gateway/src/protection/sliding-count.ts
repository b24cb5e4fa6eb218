/** Failures count for this long. */
export const windowMinutes = 20;

/** Counts events of the last 20 minutes in one-minute buckets: constant memory, however many events come. */
export class SlidingCount {
  readonly #buckets = new Uint16Array(windowMinutes);
  #minute = 0;

  add(now: number): number {
    this.#advance(now);
    const bucket = this.#minute % windowMinutes;
    this.#buckets[bucket] = Math.min((this.#buckets[bucket] ?? 0) + 1, 0xffff);
    return this.total(now);
  }

  total(now: number): number {
    this.#advance(now);
    let total = 0;
    for (const count of this.#buckets) total += count;
    return total;
  }

  #advance(now: number): void {
    const minute = Math.floor(now / 60_000);
    // A clock that was set back must not empty the window.
    if (minute <= this.#minute) return;
    const steps = Math.min(minute - this.#minute, windowMinutes);
    for (let step = 0; step < steps; step += 1) this.#buckets[(minute - step) % windowMinutes] = 0;
    this.#minute = minute;
  }
}
