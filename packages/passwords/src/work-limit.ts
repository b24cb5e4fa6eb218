/** Runs at most `concurrent` tasks at a time and keeps at most `waiting` more; further ones are turned away. */
export class WorkLimit {
  readonly #concurrent: number;
  readonly #waiting: number;
  #running = 0;
  readonly #queue: (() => void)[] = [];

  constructor(options: { concurrent: number; waiting: number }) {
    this.#concurrent = options.concurrent;
    this.#waiting = options.waiting;
  }

  /** The result of the task, or `busy` when there is no room; the task has then not begun. */
  async run<Result>(task: () => Promise<Result>): Promise<Result | 'busy'> {
    if (this.#running >= this.#concurrent) {
      if (this.#queue.length >= this.#waiting) return 'busy';
      // The one that finishes hands its place over, so the count does not change in between.
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    } else {
      this.#running += 1;
    }
    try {
      return await task();
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
