import { type Kysely, sql } from 'kysely';
import { type CatalogueTable, catalogueOf, schemaOf } from '../database/catalogue.ts';
import type { Database, DatabaseEngine } from '../database/open.ts';
import type { Tables } from '../database/tables.ts';
import { BackupFailure } from './failure.ts';
import { type BackupValue, integerOfText } from './format.ts';

/**
 * Tables that tell only about the processes that run now, about who is signed in now, and what nobody was told yet: access that
 * has ended since a backup must not come back with it, and old news are none. Logs of servers are left out for their size: a
 * server can be asked again. All others are in a backup.
 */
export const leftOut: readonly (keyof Tables)[] = [
  'leases',
  'log_pieces',
  'notification_deliveries',
  'openid_artifacts',
  'recent_logs',
  'server_health_changes',
  'sign_in_sessions',
  'sign_in_throttle',
];

/** Rows that are asked for at a time. */
const batch = 200;

/** A table of a snapshot. */
export interface SnapshotTable extends CatalogueTable {
  rows: number;
}

/** The whole database at one moment. */
export interface Snapshot {
  schema: string;
  tables: readonly SnapshotTable[];
  rowsOf(table: CatalogueTable): AsyncGenerator<BackupValue[]>;
}

/** Lets `work` read the database as it is now, whatever others write in the meantime. */
export function inSnapshot<Result>(
  { engine, tables }: Database,
  work: (snapshot: Snapshot) => Promise<Result>,
): Promise<Result> {
  return tables.connection().execute(async (connection) => {
    const begin = engine === 'sqlite' ? 'deferred' : 'isolation level repeatable read, read only';
    await sql.raw(`begin ${begin}`).execute(connection);
    try {
      // Counting a large table takes longer than a request may.
      if (engine === 'postgresql') await sql`set local statement_timeout = 0`.execute(connection);
      return await work(await openSnapshot(engine, connection));
    } finally {
      await sql`rollback`.execute(connection);
    }
  });
}

async function openSnapshot(engine: DatabaseEngine, connection: Kysely<Tables>): Promise<Snapshot> {
  const place = { engine, tables: connection };
  const schema = await schemaOf(place);
  if (schema === undefined) {
    throw new BackupFailure('the database has no tables of a control plane yet; start one on it first');
  }
  const catalogue = (await catalogueOf(place)).filter(({ name }) => !leftOut.some((other) => other === name));
  const tables: SnapshotTable[] = [];
  for (const table of catalogue) {
    const counted = await sql<{
      rows: number;
    }>`select count(*) as rows from ${sql.table(table.name)}`.execute(connection);
    tables.push({ ...table, rows: counted.rows[0]?.rows ?? 0 });
  }
  return { schema, tables, rowsOf: (table) => rowsOf(place, table) };
}

type TextRow = Record<string, string | null>;

async function* rowsOf(
  { engine, tables }: { engine: DatabaseEngine; tables: Kysely<Tables> },
  { name, columns }: CatalogueTable,
): AsyncGenerator<BackupValue[]> {
  const anyTable = tables as unknown as Kysely<Record<string, TextRow>>;
  const query = anyTable
    .selectFrom(name)
    .select(
      columns.map((column) =>
        (column.type === 'integer'
          ? sql<string | null>`cast(${sql.ref(column.name)} as text)`
          : sql<string | null>`${sql.ref(column.name)}`
        ).as(column.name),
      ),
    );
  const rows = engine === 'sqlite' ? query.stream(batch) : fetchAll(anyTable, query.compile().sql);
  for await (const row of rows) {
    yield columns.map((column) => {
      const value = row[column.name] ?? null;
      return value === null || column.type === 'text' ? value : integerOfText(value);
    });
  }
}

async function* fetchAll(
  connection: Kysely<Record<string, TextRow>>,
  query: string,
): AsyncGenerator<TextRow> {
  await sql.raw(`declare backup_rows no scroll cursor for ${query}`).execute(connection);
  for (;;) {
    const { rows } = await sql<TextRow>`fetch ${sql.lit(batch)} from backup_rows`.execute(connection);
    yield* rows;
    if (rows.length < batch) break;
  }
  await sql`close backup_rows`.execute(connection);
}
