import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import { lostUpdate } from '../odata/etag.ts';
import { type Settings, settingsSchema } from './settings.ts';

export const settingsId = 'settings';

/** The settings in force, those that differ from their default, and the version of all. */
export interface StoredSettings {
  settings: Settings;
  changed: Partial<Settings>;
  version: number;
}

/** Reads the settings. `tables` may be a transaction. */
export async function readSettings(tables: Kysely<Tables>): Promise<StoredSettings> {
  const row = await tables
    .selectFrom('settings')
    .select(['properties', 'version'])
    .where('id', '=', settingsId)
    .executeTakeFirst();
  const stored: Record<string, unknown> = JSON.parse(row?.properties ?? '{}');
  // A later release may have left settings that this one does not know; they must not keep it from running.
  const known = Object.entries(stored).filter(([name]) => Object.hasOwn(settingsSchema.shape, name));
  const changed = Object.fromEntries(known) as Partial<Settings>;
  return { settings: settingsSchema.parse(changed), changed, version: row?.version ?? 0 };
}

/** Writes the settings that differ from their default. Throws `lostUpdate` when they have another version by now. */
export async function writeSettings(
  tables: Kysely<Tables>,
  changed: Partial<Settings>,
  presentVersion: number,
): Promise<void> {
  const row = { id: settingsId, version: presentVersion + 1, properties: JSON.stringify(changed) };
  const { numInsertedOrUpdatedRows } = await tables
    .insertInto('settings')
    .values(row)
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet(row).where('settings.version', '=', presentVersion),
    )
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows !== 1n) throw lostUpdate();
}
