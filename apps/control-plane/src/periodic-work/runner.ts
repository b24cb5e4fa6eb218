import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Database } from '../database/open.ts';
import { claimLease, releaseLease, restLease } from './lease.ts';

/** Work that one replica at a time does, again and again. It must be harmless when it is done twice or left half-way. */
export interface PeriodicTask {
  name: string;
  /** Milliseconds from the end of one time to the beginning of the next. */
  interval: number;
  /** Does a bounded piece; true when there is more to do at once. Looks at the signal when it takes longer than a second. */
  run(signal: AbortSignal): Promise<boolean>;
}

export interface RunnerOptions {
  /** Identifier of this process. */
  holder: string;
  logger: Logger;
  /** From 0 to 1, for the jitter. */
  random?: () => number;
  /** Milliseconds between two looks for work that is due. */
  pause?: number;
  /** Milliseconds after which the work of a replica that died is taken over. */
  lease?: number;
}

/** Milliseconds until work that failed is tried again, unless it is due earlier. */
const retryAfterFailure = 60_000;

/** Runs the tasks that are due and that no other replica is at, one after the other, until `stop`. */
export class PeriodicWork {
  readonly #database: Database;
  readonly #tasks: readonly PeriodicTask[];
  readonly #options: Required<RunnerOptions>;
  readonly #end = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(database: Database, tasks: readonly PeriodicTask[], options: RunnerOptions) {
    this.#database = database;
    this.#tasks = tasks;
    this.#options = { random: Math.random, pause: 30_000, lease: 60_000, ...options };
  }

  start(): void {
    this.#running = this.#loop();
  }

  /** Resolves when nothing runs any more and every lease was given back. */
  async stop(): Promise<void> {
    this.#end.abort();
    await this.#running;
  }

  async #loop(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      // Replicas that were started together must not look together for ever.
      const pause = this.#options.pause * (0.5 + this.#options.random());
      await sleep(pause, undefined, { signal }).catch(() => undefined);
      await this.runDue();
    }
  }

  /** Runs what is due now. A task that fails is logged and tried again later; the others go on. */
  async runDue(): Promise<void> {
    for (const task of this.#tasks) {
      if (this.#end.signal.aborted) return;
      try {
        await this.#runUnderLease(task);
      } catch (error) {
        this.#options.logger.error({ err: error, task: task.name }, 'periodic work failed');
      }
    }
  }

  async #runUnderLease(task: PeriodicTask): Promise<void> {
    const { holder, lease } = this.#options;
    const name = `work/${task.name}`;
    if (!(await claimLease(this.#database, name, holder, lease))) return;
    const lost = new AbortController();
    const renewal = setInterval(() => {
      claimLease(this.#database, name, holder, lease).then(
        (isHeld) => isHeld || lost.abort(),
        // Without the database the lease runs out; so must the work.
        () => lost.abort(),
      );
    }, lease / 3);
    try {
      await repeat(task, AbortSignal.any([this.#end.signal, lost.signal]));
    } catch (error) {
      await restLease(this.#database, name, holder, Math.min(task.interval, retryAfterFailure));
      throw error;
    } finally {
      clearInterval(renewal);
    }
    if (this.#end.signal.aborted) await releaseLease(this.#database, name, holder);
    else await restLease(this.#database, name, holder, task.interval);
  }
}

async function repeat(task: PeriodicTask, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await task.run(signal))) {
    // Requests come first on a database with one connection.
    await sleep(10);
  }
}
