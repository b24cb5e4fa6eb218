import { type Kysely, sql } from 'kysely';
import type { DatabaseEngine } from './open.ts';
import type { Tables } from './tables.ts';

/** A table as the database itself describes it. */
export interface CatalogueTable {
  name: string;
  columns: readonly { name: string; type: 'text' | 'integer' }[];
}

/** What the migrations keep for themselves. */
const bookkeeping = new Set(['kysely_migration', 'kysely_migration_lock']);

interface Place {
  readonly engine: DatabaseEngine;
  /** May be a transaction. */
  readonly tables: Kysely<Tables>;
}

/** Every table that the migrations made, in the order of names; asked from the database, so that none can be forgotten. */
export async function catalogueOf({ engine, tables }: Place): Promise<CatalogueTable[]> {
  const columns =
    engine === 'sqlite'
      ? sql<CatalogueColumn>`select t.name as "table", c.name as "column", c.type as "type"
          from sqlite_master t join pragma_table_info(t.name) c
          where t.type = 'table' and t.name not like 'sqlite\\_%' escape '\\' order by t.name, c.cid`
      : sql<CatalogueColumn>`select c.table_name as "table", c.column_name as "column", c.data_type as "type"
          from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
          where c.table_schema = current_schema() and t.table_type = 'BASE TABLE'
          order by c.table_name collate "C", c.ordinal_position`;
  const { rows } = await columns.execute(tables);
  const grouped = Map.groupBy(rows, ({ table }) => table);
  return [...grouped]
    .filter(([name]) => !bookkeeping.has(name))
    .map(([name, described]) => ({ name, columns: described.map(columnOf) }));
}

interface CatalogueColumn {
  table: string;
  column: string;
  type: string;
}

function columnOf({ table, column, type }: CatalogueColumn): CatalogueTable['columns'][number] {
  if (/^(integer|bigint)$/i.test(type)) return { name: column, type: 'integer' };
  if (/^text$/i.test(type)) return { name: column, type: 'text' };
  throw new Error(`${table}.${column} has the type ${type}; tables have only text, integer and bigint`);
}

/** Name of the newest migration that was carried out; undefined for a database that is not ours or new. */
export async function schemaOf({ engine, tables }: Place): Promise<string | undefined> {
  const present =
    engine === 'sqlite'
      ? sql<{
          found: number;
        }>`select count(*) as found from sqlite_master where type = 'table' and name = 'kysely_migration'`
      : sql<{ found: number }>`select count(*) as found from information_schema.tables
          where table_schema = current_schema() and table_name = 'kysely_migration'`;
  const { rows } = await present.execute(tables);
  if (rows[0]?.found !== 1) return undefined;
  const newest = await sql<{ name: string | null }>`select max(name) as name from kysely_migration`.execute(
    tables,
  );
  return newest.rows[0]?.name ?? undefined;
}
