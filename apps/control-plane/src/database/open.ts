import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { nodeSqliteDialect, openSqliteFile } from './node-sqlite.ts';
import { preparingPool } from './prepared-statements.ts';
import type { Tables } from './tables.ts';

export type DatabaseEngine = 'sqlite' | 'postgresql';

/** An open database. Every statement works on both engines unless `engine` was asked. */
export interface Database {
  readonly engine: DatabaseEngine;
  readonly tables: Kysely<Tables>;
  close(): Promise<void>;
}

/** Connections of one replica; more would only queue inside of PostgreSQL on a small server. */
const connections = 10;

/** Milliseconds after which PostgreSQL ends a statement of a request by itself. */
const statementTimeout = 15_000;

export interface OpenOptions {
  /** True for work that may take long, such as migrations and backups. */
  isPatient?: boolean;
  /** Milliseconds after which a PostgreSQL that does not answer at all is given up. */
  answerTimeout?: number;
}

/** Opens `sqlite:FILE` or a PostgreSQL URL. Does not migrate. PostgreSQL is contacted by the first statement. */
export function openDatabase(
  url: string,
  { isPatient = false, answerTimeout = statementTimeout + 2_000 }: OpenOptions = {},
): Database {
  if (url.startsWith('sqlite:')) {
    const tables = new Kysely<Tables>({ dialect: nodeSqliteDialect(openSqliteFile(url.slice(7))) });
    return { engine: 'sqlite', tables, close: () => tables.destroy() };
  }
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: 3_000,
    // A statement that hangs must not hold a connection for ever.
    ...(isPatient ? {} : { statement_timeout: statementTimeout, query_timeout: answerTimeout }),
    types: { getTypeParser: textParser },
  });
  // An idle connection that breaks is replaced by the next statement; without a listener it would end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => {
    // So must one that breaks between two statements of a transaction; the next statement tells it.
    client.on('error', () => {});
    discardWhenSilent(client);
  });
  const tables = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: preparingPool(pool) }) });
  return { engine: 'postgresql', tables, close: () => tables.destroy() };
}

/** A connection whose server did not answer in time still waits for it, and would keep the next statement waiting too. */
function discardWhenSilent(client: pg.PoolClient): void {
  const query = client.query.bind(client) as (...parameters: unknown[]) => unknown;
  client.query = ((...parameters: unknown[]) => {
    const result = query(...parameters);
    if (result instanceof Promise) {
      result.catch((error: Error) => {
        if (error.message === 'Query read timeout') (client as unknown as pg.Client).end().catch(() => {});
      });
    }
    return result;
  }) as typeof client.query;
}

/** `count(*)` is an int8, which pg hands out as text; counts here are far below 2^53. */
function textParser(oid: number, format?: 'text' | 'binary') {
  if (oid === pg.types.builtins.INT8) return Number;
  return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid, 'text');
}
