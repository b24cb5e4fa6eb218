import { ensureHealthThresholds } from '../health-thresholds/routes.ts';
import { ensureBuiltInRoles } from '../roles/built-in-roles.ts';
import { ensureDefaultTag } from '../scope-tags/known-tags.ts';
import { migrateToLatest } from './migrate.ts';
import { type Database, openDatabase } from './open.ts';
import { waitForDatabase } from './wait.ts';

/** Waits for the database and prepares it, over connections of its own: a migration may take longer than a request. */
export async function prepareDatabaseAt(url: string, onWait: (message: string) => void): Promise<void> {
  const database = openDatabase(url, { isPatient: true });
  try {
    await waitForDatabase(database, { onWait });
    await prepareDatabase(database);
  } finally {
    await database.close();
  }
}

/** Brings a database to the state that this release needs: its tables, and the rows that are always there. */
export async function prepareDatabase(database: Database): Promise<void> {
  await migrateToLatest(database);
  await ensureHealthThresholds({ database });
  await ensureBuiltInRoles(database);
  await ensureDefaultTag(database);
}
