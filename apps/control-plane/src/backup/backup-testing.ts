import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { migrateToLatest } from '../database/migrate.ts';
import { type Database, type DatabaseEngine, openDatabase } from '../database/open.ts';
import { emptyDatabase } from '../testing/databases.ts';
import { formatRow } from './format.ts';
import { type RestoreOptions, restoreBackup } from './restore.ts';
import { inSnapshot } from './snapshot.ts';
import { writeBackup } from './write.ts';

export const engines = ['sqlite', 'postgresql'] as const;

const now = new Date('2026-11-24T09:00:00.000Z');
export const secretsKeyId = '0123456789abcdef';

/** Opens databases for the tests of a file and removes them afterwards. */
export class TestDatabases {
  readonly #places: Awaited<ReturnType<typeof emptyDatabase>>[] = [];
  readonly #open: Database[] = [];
  readonly directory = mkdtempSync(join(tmpdir(), 'culvert-backup-'));
  #files = 0;

  constructor() {
    afterAll(async () => {
      for (const database of this.#open) await database.close();
      for (const place of this.#places) await place.remove();
      rmSync(this.directory, { recursive: true });
    });
  }

  /** A database without tables. */
  async empty(engine: DatabaseEngine): Promise<Database & { url: string }> {
    const place = await emptyDatabase(engine);
    const database = openDatabase(place.url);
    this.#places.push(place);
    this.#open.push(database);
    return { ...database, url: place.url };
  }

  async migrated(engine: DatabaseEngine): Promise<Database & { url: string }> {
    const database = await this.empty(engine);
    await migrateToLatest(database);
    return database;
  }

  /** One database of each engine for all tests of a file. */
  migratedBoth(): () => Record<DatabaseEngine, Database> {
    let both: Record<DatabaseEngine, Database> | undefined;
    beforeAll(async () => {
      both = { sqlite: await this.migrated('sqlite'), postgresql: await this.migrated('postgresql') };
    });
    return () => {
      if (both === undefined) throw new Error('the databases are opened before the tests');
      return both;
    };
  }

  newFile(): string {
    this.#files += 1;
    return join(this.directory, `${this.#files}.backup`);
  }

  async backUp(database: Database, onProgress = () => {}): Promise<string> {
    const file = this.newFile();
    await writeBackup(database, file, { secretsKeyId, now, onProgress });
    return file;
  }
}

export function restore(database: Database, file: string, options: Partial<RestoreOptions> = {}) {
  return restoreBackup(database, file, {
    secretsKeyId,
    secretsKeyPlaces: 'the file secrets.key',
    replace: false,
    now,
    onProgress: () => {},
    ...options,
  });
}

/** Every row of every table as text, in an order that does not depend on the engine; without what `restore` writes down. */
export function contentOf(database: Database): Promise<string[]> {
  return inSnapshot(database, async (snapshot) => {
    const content: string[] = [];
    for (const table of snapshot.tables) {
      for await (const row of snapshot.rowsOf(table)) {
        if (!row.includes('database.restore')) content.push(`${table.name} ${formatRow(row)}`);
      }
    }
    return content.sort();
  });
}
