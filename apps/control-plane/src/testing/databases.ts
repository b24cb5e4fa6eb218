import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, inject } from 'vitest';
import { migrateToLatest } from '../database/migrate.ts';
import { type Database, type DatabaseEngine, openDatabase } from '../database/open.ts';

/** The URL of an empty database of this engine, and how to remove it. */
export async function emptyDatabase(
  engine: DatabaseEngine,
): Promise<{ url: string; remove: () => Promise<void> }> {
  if (engine === 'sqlite') {
    const directory = mkdtempSync(join(tmpdir(), 'culvert-sqlite-'));
    return {
      url: `sqlite:${join(directory, 'control.db')}`,
      remove: async () => rmSync(directory, { recursive: true, force: true }),
    };
  }
  const administration = inject('postgresqlUrl');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await run(administration, `create database ${name}`);
  return {
    url: administration.replace('/postgres?', `/${name}?`),
    remove: () => run(administration, `drop database ${name} with (force)`),
  };
}

async function run(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Runs the same tests on both engines, each with a migrated database of its own. */
export function describeOnEachEngine(name: string, tests: (database: () => Database) => void): void {
  describe.each(['sqlite', 'postgresql'] as const)(`${name} (%s)`, (engine) => {
    let place: Awaited<ReturnType<typeof emptyDatabase>>;
    let database: Database;
    beforeAll(async () => {
      place = await emptyDatabase(engine);
      database = openDatabase(place.url);
      await migrateToLatest(database);
    });
    afterAll(async () => {
      await database.close();
      await place.remove();
    });
    tests(() => database);
  });
}
