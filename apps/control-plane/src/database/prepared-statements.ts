import { createHash } from 'node:crypto';
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type pg from 'pg';

/** Uses after which a statement is worth a place in PostgreSQL's memory, in each connection. */
const usesBefore = 3;
/** Each takes about 10 kB in each connection. Callers make statements of their own with $filter, so there is a bound. */
const mostPrepared = 200;
/** Statements that are counted. */
const mostCounted = 2_000;

/** Decides which statements are prepared: those that come again, up to a number. */
export class StatementNames {
  readonly #uses = new Map<string, number>();
  readonly #names = new Map<string, string>();

  /** The name under which to prepare this statement; undefined when it is not worth it. */
  nameOf(text: string): string | undefined {
    const name = this.#names.get(text);
    if (name !== undefined) return name;
    if (this.#names.size >= mostPrepared) return undefined;
    const uses = (this.#uses.get(text) ?? 0) + 1;
    if (uses <= usesBefore) {
      // The counts of a flood of different statements are forgotten together.
      if (this.#uses.size >= mostCounted) this.#uses.clear();
      this.#uses.set(text, uses);
      return undefined;
    }
    this.#uses.delete(text);
    const made = createHash('sha256').update(text).digest('hex').slice(0, 32);
    this.#names.set(text, made);
    return made;
  }
}

/** A pool whose connections prepare the statements that come again, so that PostgreSQL does not plan them each time. */
export function preparingPool(pool: pg.Pool): PostgresPool {
  const names = new StatementNames();
  const clients = new WeakMap<pg.PoolClient, PostgresPoolClient>();
  return {
    connect: async () => {
      const client = await pool.connect();
      const known = clients.get(client) ?? preparingClient(client, names);
      clients.set(client, known);
      return known;
    },
    end: () => pool.end(),
  } as PostgresPool;
}

/** SQLSTATE of "cached plan must not change result type": another release has changed the tables since it was prepared. */
const stalePlan = '0A000';

function preparingClient(client: pg.PoolClient, names: StatementNames): PostgresPoolClient {
  let isStale = false;
  let inTransaction = false;
  const query = async (text: string, parameters: readonly unknown[]) => {
    if (/^(begin|start transaction)/.test(text)) inTransaction = true;
    else if (/^(commit|rollback)$/.test(text)) inTransaction = false;
    const values = [...parameters];
    const name = isStale ? undefined : names.nameOf(text);
    if (name === undefined) return client.query({ text, values });
    try {
      return await client.query({ name, text, values });
    } catch (error) {
      if ((error as { code?: unknown }).code !== stalePlan) throw error;
      // It stays stale for as long as the connection lives.
      isStale = true;
      if (inTransaction) throw error;
      return client.query({ text, values });
    }
  };
  return { query, release: () => client.release(isStale) } as unknown as PostgresPoolClient;
}
