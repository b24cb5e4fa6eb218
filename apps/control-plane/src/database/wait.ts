import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { databaseFailure } from './failure.ts';
import type { Database } from './open.ts';

export interface WaitOptions {
  /** Milliseconds after which it gives up. A PostgreSQL that recovers from a crash needs some. */
  patience?: number;
  pause?: number;
  /** Told once, when it has to wait. */
  onWait: (message: string) => void;
}

/** Resolves when the database answers: services that a machine starts at the same time must not need an order. */
export async function waitForDatabase(
  { tables }: Pick<Database, 'tables'>,
  { patience = 60_000, pause = 500, onWait }: WaitOptions,
): Promise<void> {
  const until = performance.now() + patience;
  for (let attempt = 0; ; attempt += 1) {
    try {
      await sql`select 1`.execute(tables);
      return;
    } catch (error) {
      const reason = reasonOf(error);
      if (databaseFailure(error)?.kind !== 'unavailable')
        throw new Error(`the database cannot be used: ${reason}; see "database" in the configuration file`, {
          cause: error,
        });
      if (performance.now() + pause > until) {
        throw new Error(
          `the database did not answer within ${patience / 1000} seconds (${reason}); start it, or correct "database" in the configuration file`,
          { cause: error },
        );
      }
      if (attempt === 0) {
        onWait(`the database does not answer yet (${reason}); waiting up to ${patience / 1000} seconds`);
      }
    }
    await sleep(pause);
  }
}

/** Connecting to several addresses fails with an error that has no message of its own. */
function reasonOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  return message || code || String(error);
}
