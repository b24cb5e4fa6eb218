import { type Kysely, sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { emptyDatabase } from '../testing/databases.ts';
import { type CatalogueTable, catalogueOf, schemaOf } from './catalogue.ts';
import { migrateTo, migrateToLatest } from './migrate.ts';
import { migrations } from './migrations/index.ts';
import { type Database, openDatabase } from './open.ts';
import { prepareDatabase } from './prepare.ts';

type AnyRow = Record<string, string | number>;
const anyTables = ({ tables }: Database) => tables as unknown as Kysely<Record<string, AnyRow>>;

const sampleOf = ({ type }: CatalogueTable['columns'][number]) => (type === 'text' ? 'sample' : 1);

/** A row of each table, whose references all lead to rows that this makes too. */
async function addRows(database: Database): Promise<CatalogueTable[]> {
  const catalogue = await catalogueOf(database);
  for (const { name, columns } of catalogue) {
    const row = Object.fromEntries(columns.map((column) => [column.name, sampleOf(column)]));
    // References between tables are looked at when the transaction ends, whatever the order of the tables.
    await anyTables(database).insertInto(name).values(row).execute();
  }
  return catalogue;
}

async function withoutReferences(database: Database, work: () => Promise<void>): Promise<void> {
  const isSqlite = database.engine === 'sqlite';
  const off = isSqlite ? 'pragma foreign_keys = off' : "set session_replication_role = 'replica'";
  const on = isSqlite ? 'pragma foreign_keys = on' : "set session_replication_role = 'origin'";
  await sql.raw(off).execute(database.tables);
  await work();
  await sql.raw(on).execute(database.tables);
}

/** Tables that a later step takes away; nothing had ever written to them. */
const dropped = ['server_health_metrics'];

describe.each(['sqlite', 'postgresql'] as const)('migrations (%s)', (engine) => {
  const names = Object.keys(migrations(engine)).sort();

  async function onEmpty(work: (database: Database) => Promise<void>): Promise<void> {
    const place = await emptyDatabase(engine);
    const opened = openDatabase(place.url);
    try {
      // One connection, so that settings of the session reach every statement.
      await opened.tables.connection().execute((tables) => work({ ...opened, tables }));
    } finally {
      await opened.close();
      await place.remove();
    }
  }

  test.each(names)(
    'a database as %s left it, with a row in each table, becomes the present one',
    async (name) => {
      await onEmpty(async (database) => {
        await migrateTo(database, name);
        let before: CatalogueTable[] = [];
        await withoutReferences(database, async () => {
          before = await addRows(database);
        });
        await prepareDatabase(database);
        expect(await schemaOf(database)).toBe(names.at(-1));
        for (const table of before.filter(({ name }) => !dropped.includes(name))) {
          const [first] = table.columns;
          if (first === undefined) throw new Error(`${table.name} has no columns`);
          const { rows } = await sql<{ found: number }>`select count(*) as found from ${sql.table(table.name)}
          where ${sql.ref(first.name)} = ${sampleOf(first)}`.execute(database.tables);
          expect([table.name, rows[0]?.found]).toEqual([table.name, 1]);
        }
      });
    },
  );

  test('make the same tables whether they run at once or one by one', async () => {
    const catalogues: CatalogueTable[][] = [];
    await onEmpty(async (database) => {
      await migrateToLatest(database);
      catalogues.push(await catalogueOf(database));
    });
    await onEmpty(async (database) => {
      for (const name of names) await migrateTo(database, name);
      catalogues.push(await catalogueOf(database));
    });
    expect(catalogues[1]).toEqual(catalogues[0]);
  });

  test('that fail in the middle leave nothing behind', async () => {
    await onEmpty(async (database) => {
      await migrateTo(database, names[0] ?? '');
      // The last of the tables of the second migration is there already.
      await sql`create table server_health_metrics (x integer)`.execute(database.tables);
      await expect(migrateToLatest(database)).rejects.toThrow('could not be migrated (0002-tunnel-objects)');
      const tables = (await catalogueOf(database)).map(({ name }) => name);
      expect(tables).toEqual(['audit_entries', 'server_health_metrics']);
      await sql`drop table server_health_metrics`.execute(database.tables);
      await migrateToLatest(database);
      expect(await schemaOf(database)).toBe(names.at(-1));
    });
  });
});
