import { type Kysely, sql } from 'kysely';
import { catalogueOf } from '../database/catalogue.ts';
import { deferReferences, requireReferences } from './clear.ts';
import { type BackupHeader, type BackupValue, changed } from './format.ts';
import { readBackup } from './read.ts';
import type { Place } from './restore.ts';
import { leftOut } from './snapshot.ts';
import type { Progress } from './write.ts';

/** Values of one statement: SQLite takes at most 32,766. */
const mostValues = 30_000;
/** Characters of one statement, so that a few long rows do not fill the memory. */
const mostText = 1 << 20;

type AnyTables = Record<string, Record<string, BackupValue>>;

/** Writes every row of a backup into the tables, which have its schema and lose what they hold. */
export async function fill(
  place: Place,
  header: BackupHeader,
  file: string,
  onProgress: Progress,
): Promise<void> {
  await requireSameTables(place, header);
  for (const { name } of header.tables) await sql`delete from ${sql.table(name)}`.execute(place.tables);
  await deferReferences(place);
  const anyTables = place.tables as unknown as Kysely<AnyTables>;
  const total = header.tables.reduce((sum, { rows }) => sum + rows, 0);
  let done = 0;
  let table = '';
  let batch: Record<string, BackupValue>[] = [];
  let [values, text] = [0, 0];
  const flush = async () => {
    if (batch.length > 0) await anyTables.insertInto(table).values(batch).execute();
    done += batch.length;
    batch = [];
    [values, text] = [0, 0];
    onProgress(done, total);
  };
  for await (const part of readBackup(file)) {
    if (part.kind === 'header') continue;
    const { name, columns } = part.table;
    if (name !== table || values + columns.length > mostValues || text > mostText) await flush();
    table = name;
    batch.push(Object.fromEntries(columns.map((column, index) => [column, part.values[index] ?? null])));
    values += columns.length;
    text += part.values.reduce<number>(
      (sum, value) => sum + (typeof value === 'string' ? value.length : 0),
      0,
    );
  }
  await flush();
  await requireReferences(place);
}

/** Names of tables and columns come from the database, never from a file that somebody may have made by hand. */
async function requireSameTables(place: Place, header: BackupHeader): Promise<void> {
  const names = (list: readonly { name: string }[]) =>
    list.map(({ name }) => name).filter((name) => !leftOut.some((other) => other === name));
  const catalogue = await catalogueOf(place);
  const wanted = catalogue.map(({ name, columns }) => `${name}(${names(columns).sort()})`);
  const found = header.tables.map(({ name, columns }) => `${name}(${[...columns].sort()})`);
  const expected = wanted.filter((text) => !leftOut.some((other) => text.startsWith(`${other}(`)));
  if (expected.sort().join() !== found.sort().join()) throw changed();
}
