import { BoundedMap } from '../protection/bounded-map.ts';

/** Lines that one address may cause in a minute by being refused; a user at a keyboard causes a few. */
const linesInMinute = 30;
const minuteMilliseconds = 60_000;
const maximumAddresses = 10_000;

/** Bounds what strangers can write into the access log, so that a flood of refusals does not fill the disk. */
export class RefusalLimit {
  readonly #windows = new BoundedMap<string, { startedAt: number; lines: number; suppressed: number }>(
    maximumAddresses,
  );

  /**
   * Whether a refusal of this address may be logged, and how many of its refusals were left out before this one.
   * `now` is Unix time in milliseconds.
   */
  admit(address: string, now: number): { log: boolean; suppressed: number } {
    const window = this.#windows.get(address);
    if (window === undefined || now - window.startedAt >= minuteMilliseconds) {
      this.#windows.set(address, { startedAt: now, lines: 1, suppressed: 0 });
      return { log: true, suppressed: window?.suppressed ?? 0 };
    }
    if (window.lines < linesInMinute) {
      window.lines += 1;
      return { log: true, suppressed: 0 };
    }
    window.suppressed += 1;
    return { log: false, suppressed: 0 };
  }
}
