import { sql } from 'kysely';
import { BackupFailure } from './failure.ts';
import type { Place } from './restore.ts';

/** Removes every table and what belongs to it, within the transaction. */
export async function clearDatabase(place: Place): Promise<void> {
  if (place.engine === 'sqlite') await clearSqlite(place);
  else await clearPostgresql(place);
}

async function clearSqlite({ tables }: Place): Promise<void> {
  await sql`pragma defer_foreign_keys = on`.execute(tables);
  const { rows } = await sql<{ name: string }>`select name from sqlite_master
    where type = 'table' and name not like 'sqlite\\_%' escape '\\' order by rowid desc`.execute(tables);
  // Every row goes before any table, and tables before those that they refer to, which were made earlier: SQLite deletes the
  // rows of a table that is dropped, and then looks at what they refer to.
  for (const { name } of rows) await sql`delete from ${sql.table(name)}`.execute(tables);
  for (const { name } of rows) await sql`drop table ${sql.table(name)}`.execute(tables);
}

async function clearPostgresql({ tables }: Place): Promise<void> {
  const functions = await sql<{ signature: string }>`select distinct f.oid::regprocedure::text as signature
    from pg_trigger t join pg_proc f on f.oid = t.tgfoid join pg_class c on c.oid = t.tgrelid
    where not t.tgisinternal and c.relnamespace = current_schema()::regnamespace`.execute(tables);
  const present = await sql<{ name: string }>`select table_name as name from information_schema.tables
    where table_schema = current_schema() and table_type = 'BASE TABLE'`.execute(tables);
  if (present.rows.length > 0) {
    const names = present.rows.map(({ name }) => sql.table(name));
    await sql`drop table ${sql.join(names)}`.execute(tables);
  }
  for (const { signature } of functions.rows) await sql.raw(`drop function ${signature}`).execute(tables);
}

/** Lets rows be written before those that they refer to, until `requireReferences`. */
export async function deferReferences(place: Place): Promise<void> {
  if (place.engine === 'sqlite') {
    await sql`pragma defer_foreign_keys = on`.execute(place.tables);
    return;
  }
  await alterReferences(place, 'deferrable initially deferred');
}

/** Throws unless every row that is referred to is there. */
export async function requireReferences(place: Place): Promise<void> {
  const { engine, tables } = place;
  if (engine === 'sqlite') {
    const { rows } = await sql`pragma foreign_key_check`.execute(tables);
    if (rows.length > 0) throw new BackupFailure('the backup has rows that refer to rows that are not in it');
    return;
  }
  await sql`set constraints all immediate`.execute(tables);
  await alterReferences(place, 'not deferrable');
}

async function alterReferences({ tables }: Place, how: string): Promise<void> {
  const { rows } = await sql<{ table: string; name: string }>`select c.relname as "table", f.conname as name
    from pg_constraint f join pg_class c on c.oid = f.conrelid
    where f.contype = 'f' and f.connamespace = current_schema()::regnamespace`.execute(tables);
  for (const { table, name } of rows) {
    await sql`alter table ${sql.table(table)} alter constraint ${sql.id(name)} ${sql.raw(how)}`.execute(
      tables,
    );
  }
}
