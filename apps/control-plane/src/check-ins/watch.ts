import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds between two looks: with the time of the look itself, a change is noticed within a second. */
const pauseMilliseconds = 700;

/** Why a held request is answered. `gone`: the agent is not let in any more. */
export type Wake = 'changed' | 'gone' | 'unchanged';

interface Waiter {
  cursor: string;
  wake(why: Wake): void;
}

/**
 * Holds the requests of agents until what they wait for has changed. One look at the database serves all of them, however many
 * wait; nothing is asked while nobody does. States are compared, so that no change is missed, whoever made it.
 */
export class Watch {
  readonly #look: () => Promise<ReadonlyMap<string, string>>;
  readonly #complain: (error: unknown) => void;
  readonly #pause: number;
  readonly #waiters = new Map<string, Waiter>();
  #isLooking = false;
  #hasEnded = false;

  /** `look` resolves to the cursor of each agent that is let in, by its fingerprint; `complain` hears when that fails. */
  constructor(
    look: () => Promise<ReadonlyMap<string, string>>,
    complain: (error: unknown) => void,
    pause = pauseMilliseconds,
  ) {
    this.#look = look;
    this.#complain = complain;
    this.#pause = pause;
  }

  /** Resolves when the state of the agent differs from the cursor, or `signal` aborts. An agent waits once; its older request ends. */
  wait(fingerprint: string, cursor: string, signal: AbortSignal): Promise<Wake> {
    this.#waiters.get(fingerprint)?.wake('unchanged');
    if (this.#hasEnded || signal.aborted) return Promise.resolve('unchanged');
    return new Promise((resolve) => {
      const end = () => waiter.wake('unchanged');
      const waiter: Waiter = {
        cursor,
        wake: (why) => {
          signal.removeEventListener('abort', end);
          if (this.#waiters.get(fingerprint) === waiter) this.#waiters.delete(fingerprint);
          resolve(why);
        },
      };
      signal.addEventListener('abort', end);
      this.#waiters.set(fingerprint, waiter);
      if (!this.#isLooking) void this.#lookAgainAndAgain();
    });
  }

  /** Answers everybody, and whoever comes later at once. */
  end(): void {
    this.#hasEnded = true;
    for (const waiter of [...this.#waiters.values()]) waiter.wake('unchanged');
  }

  async #lookAgainAndAgain(): Promise<void> {
    this.#isLooking = true;
    while (this.#waiters.size > 0) {
      await sleep(this.#pause, undefined, { ref: false });
      await this.#lookOnce().catch(this.#complain);
    }
    this.#isLooking = false;
  }

  async #lookOnce(): Promise<void> {
    // Whoever comes during the look may know more than it does.
    const present = [...this.#waiters];
    if (present.length === 0) return;
    const cursors = await this.#look();
    for (const [fingerprint, waiter] of present) {
      const cursor = cursors.get(fingerprint);
      if (cursor === undefined) waiter.wake('gone');
      else if (cursor !== waiter.cursor) waiter.wake('changed');
    }
  }
}
