import type { Logger } from 'pino';
import type { Database } from '../database/open.ts';
import { claimLease, leasesInForce, releaseLease, removeEndedLeases } from './lease.ts';

const prefix = 'replica/';

/** Milliseconds for which a process counts as running after its last sign of life: three signs may be lost. */
export const presenceMilliseconds = 30_000;
const signOfLifeMilliseconds = presenceMilliseconds / 3;

/** Shows in the database that this process runs, until `end`. `restore` looks for it. */
export class Presence {
  readonly #database: Database;
  readonly #name: string;
  readonly #id: string;
  readonly #logger: Logger;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(database: Database, id: string, logger: Logger) {
    this.#database = database;
    this.#id = id;
    this.#name = `${prefix}${id}`;
    this.#logger = logger;
  }

  async begin(): Promise<void> {
    await removeEndedLeases(this.#database, prefix);
    await this.#sign();
    this.#timer = setInterval(() => {
      this.#writing = this.#sign().catch((error: unknown) => {
        this.#logger.warn({ err: error }, 'the sign of life could not be written');
      });
    }, signOfLifeMilliseconds);
  }

  async #sign(): Promise<void> {
    await claimLease(this.#database, this.#name, this.#id, presenceMilliseconds);
  }

  async end(): Promise<void> {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    await this.#writing;
    await releaseLease(this.#database, this.#name, this.#id).catch((error: unknown) => {
      this.#logger.warn({ err: error }, 'the sign of life could not be taken away');
    });
  }
}

/** How many processes run on this database, as far as it knows. */
export async function runningReplicas(place: Parameters<typeof leasesInForce>[0]): Promise<number> {
  return (await leasesInForce(place, prefix)).length;
}
