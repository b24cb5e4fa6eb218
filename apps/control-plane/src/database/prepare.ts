import { ensureHealthThresholds } from '../health-thresholds/routes.ts';
import { ensureBuiltInRoles } from '../roles/built-in-roles.ts';
import { ensureDefaultTag } from '../scope-tags/known-tags.ts';
import { migrateToLatest } from './migrate.ts';
import type { Database } from './open.ts';

/** Brings a database to the state that this release needs: its tables, and the rows that are always there. */
export async function prepareDatabase(database: Database): Promise<void> {
  await migrateToLatest(database);
  await ensureHealthThresholds({ database });
  await ensureBuiltInRoles(database);
  await ensureDefaultTag(database);
}
