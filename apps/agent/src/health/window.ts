/** Readings of the last while, oldest first, with the last one before it: what lies between the ends is the average. */
export class Window<Reading> {
  readonly #milliseconds: number;
  #readings: { at: number; reading: Reading }[] = [];

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
  }

  /** `at` in milliseconds of a clock that never goes back. */
  add(at: number, reading: Reading): void {
    this.#readings.push({ at, reading });
    const start = at - this.#milliseconds;
    const first = this.#readings.findLastIndex((entry) => entry.at <= start);
    if (first > 0) this.#readings = this.#readings.slice(first);
  }

  clear(): void {
    this.#readings = [];
  }

  get readings(): Reading[] {
    return this.#readings.map(({ reading }) => reading);
  }

  /** The first and the last reading and the milliseconds between them; undefined before there are two. */
  ends(): { first: Reading; last: Reading; milliseconds: number } | undefined {
    const [first, last] = [this.#readings[0], this.#readings.at(-1)];
    if (first === undefined || last === undefined || first === last) return undefined;
    return { first: first.reading, last: last.reading, milliseconds: last.at - first.at };
  }
}

export function mean(numbers: readonly number[]): number | undefined {
  if (numbers.length === 0) return undefined;
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
