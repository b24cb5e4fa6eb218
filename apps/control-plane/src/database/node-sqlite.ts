import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { SqliteAdapter, SqliteDialect, type SqliteStatement } from 'kysely';

/** Milliseconds that a statement waits for another process, such as `backup` or `token`, to finish its transaction. */
const busyTimeout = 5_000;

/** Opens the file, or makes it, so that what was acknowledged survives a power cut. */
export function openSqliteFile(file: string): DatabaseSync {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(file, { timeout: busyTimeout, enableForeignKeyConstraints: true });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;');
  return database;
}

/** Kysely over the SQLite that is built into Node. */
export function nodeSqliteDialect(database: DatabaseSync): SqliteDialect {
  return new TransactionalSqliteDialect({
    database: {
      close: () => database.close(),
      prepare: (sql) => {
        // A transaction that reads first and writes later would fail when another process wrote in between.
        if (sql === 'begin') return statement(database, 'begin immediate');
        // A full disk makes SQLite roll back by itself; a second time would hide what went wrong.
        if (sql === 'rollback' && !database.isTransaction) return nothing;
        return statement(database, sql);
      },
    },
  });
}

/** Migrations run in a transaction, so that a process that is killed leaves none half done; Kysely's own dialect does without. */
class TransactionalSqliteDialect extends SqliteDialect {
  override createAdapter(): SqliteAdapter {
    return new TransactionalSqliteAdapter();
  }
}

class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

const nothing: SqliteStatement = {
  reader: false,
  all: () => [],
  run: () => ({ changes: 0, lastInsertRowid: 0 }),
  iterate: () => [][Symbol.iterator](),
};

function statement(database: DatabaseSync, sql: string): SqliteStatement {
  const prepared = database.prepare(sql);
  const values = (parameters: readonly unknown[]) => parameters as SQLInputValue[];
  return {
    reader: prepared.columns().length > 0,
    all: (parameters) => prepared.all(...values(parameters)),
    run: (parameters) => prepared.run(...values(parameters)),
    iterate: (parameters) => prepared.iterate(...values(parameters)),
  };
}
