/** Carries out tasks one after the other. */
export class Lane {
  #last: Promise<unknown> = Promise.resolve();

  /** Resolves or rejects as the task does; the next one begins in any case. */
  run<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {});
    return result;
  }

  /** Resolves when everything that was asked for until now has ended. */
  async ended(): Promise<void> {
    await this.#last;
  }
}
