import type { Kysely } from 'kysely';
import { type MigrationResultSet, Migrator } from 'kysely/migration';
import { migrations } from './migrations/index.ts';
import type { DatabaseEngine } from './open.ts';
import type { Tables } from './tables.ts';

/** An open database, or a transaction on it. */
interface Place {
  readonly engine: DatabaseEngine;
  readonly tables: Kysely<Tables>;
}

/** Brings the tables to the state that this release needs. Several processes may do so at once; a lock lets one work. */
export async function migrateToLatest(place: Place): Promise<void> {
  requireSuccess(await migratorOf(place).migrateToLatest());
}

/** Brings an empty database to the state after this migration. */
export async function migrateTo(place: Place, name: string): Promise<void> {
  requireSuccess(await migratorOf(place).migrateTo(name));
}

function migratorOf({ engine, tables }: Place): Migrator {
  return new Migrator({ db: tables, provider: { getMigrations: async () => migrations(engine) } });
}

function requireSuccess({ error, results }: MigrationResultSet): void {
  if (error === undefined) return;
  const failed = results?.find(({ status }) => status === 'Error')?.migrationName;
  throw new Error(`the database could not be migrated${failed === undefined ? '' : ` (${failed})`}`, {
    cause: error,
  });
}
