import { Migrator } from 'kysely/migration';
import { migrations } from './migrations/index.ts';
import type { Database } from './open.ts';

/** Brings the tables to the state that this release needs. Several processes may do so at once; a lock lets one work. */
export async function migrateToLatest({ engine, tables }: Database): Promise<void> {
  const migrator = new Migrator({ db: tables, provider: { getMigrations: async () => migrations(engine) } });
  const { error, results } = await migrator.migrateToLatest();
  if (error === undefined) return;
  const failed = results?.find(({ status }) => status === 'Error')?.migrationName;
  throw new Error(`the database could not be migrated${failed === undefined ? '' : ` (${failed})`}`, {
    cause: error,
  });
}
