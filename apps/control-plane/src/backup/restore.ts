import { type Kysely, sql } from 'kysely';
import { recordAudit } from '../audit/record.ts';
import { type CatalogueTable, catalogueOf, schemaOf } from '../database/catalogue.ts';
import { migrateTo, migrateToLatest } from '../database/migrate.ts';
import { migrations } from '../database/migrations/index.ts';
import type { Database, DatabaseEngine } from '../database/open.ts';
import type { Tables } from '../database/tables.ts';
import { presenceMilliseconds, runningReplicas } from '../periodic-work/presence.ts';
import { clearDatabase } from './clear.ts';
import { BackupFailure } from './failure.ts';
import { fill } from './fill.ts';
import type { BackupHeader } from './format.ts';
import { checkBackup } from './read.ts';
import { leftOut } from './snapshot.ts';
import type { Progress } from './write.ts';

export interface RestoreOptions {
  /** Identifier of the key that this control plane has. */
  secretsKeyId: string;
  /** Where that key is looked for; said when it is another one. */
  secretsKeyPlaces: string;
  /** True when what the database holds may go. */
  replace: boolean;
  now: Date;
  onProgress: Progress;
}

/** Replaces everything in the database by a backup, or changes nothing. */
export async function restoreBackup(
  database: Database,
  file: string,
  options: RestoreOptions,
): Promise<BackupHeader> {
  const header = await checkBackup(file);
  requireKnownSchema(header, database.engine);
  requireKey(header, options);
  await database.tables.transaction().execute(async (tables) => {
    const place = { engine: database.engine, tables };
    if (place.engine === 'postgresql') await sql`set local statement_timeout = 0`.execute(tables);
    await requireFree(place, options.replace);
    await clearDatabase(place);
    await migrateTo(place, header.schema);
    await fill(place, header, file, options.onProgress);
    await migrateToLatest(place);
    await recordRestore(tables, header, options.now);
  });
  return header;
}

/** A transaction and the engine that it is on. */
export interface Place {
  engine: DatabaseEngine;
  tables: Kysely<Tables>;
}

function requireKnownSchema({ schema, productVersion }: BackupHeader, engine: DatabaseEngine): void {
  if (Object.hasOwn(migrations(engine), schema)) return;
  throw new BackupFailure(
    `the backup is of release ${productVersion} with the schema ${schema}, which this release does not know: restore it with that release or a later one`,
  );
}

function requireKey(header: BackupHeader, { secretsKeyId, secretsKeyPlaces }: RestoreOptions): void {
  if (header.secretsKeyId === secretsKeyId) return;
  throw new BackupFailure(
    `the secrets in the backup were encrypted with another key (identifier ${header.secretsKeyId}; the key here has ${secretsKeyId}): put the key of the control plane that was backed up into ${secretsKeyPlaces}, and restore again`,
  );
}

async function requireFree(place: Place, replace: boolean): Promise<void> {
  const catalogue = await catalogueOf(place).catch((cause: unknown) => {
    throw new BackupFailure(foreign, { cause });
  });
  if (catalogue.length === 0) return;
  if ((await schemaOf(place)) === undefined) throw new BackupFailure(foreign);
  if (catalogue.some(({ name }) => name === 'leases')) {
    // A control plane that starts now waits for the end of this transaction.
    if (place.engine === 'postgresql') await sql`lock table leases in exclusive mode`.execute(place.tables);
    const replicas = await runningReplicas(place);
    if (replicas > 0) {
      throw new BackupFailure(
        `${replicas === 1 ? 'a control plane runs' : `${replicas} control planes run`} on this database: stop ${replicas === 1 ? 'it' : 'them'} first (one that was killed counts as running for ${presenceMilliseconds / 1000} seconds)`,
      );
    }
  }
  if (!replace && (await holdsRows(place, catalogue))) {
    throw new BackupFailure('the database is not empty: add --yes to replace everything in it');
  }
}

const foreign =
  'the database has tables that are not of a control plane: name an empty one as "database" in the configuration file';

async function holdsRows({ tables }: Place, catalogue: readonly CatalogueTable[]): Promise<boolean> {
  for (const { name } of catalogue) {
    if (leftOut.some((other) => other === name)) continue;
    const { rows } = await sql`select 1 from ${sql.table(name)} limit 1`.execute(tables);
    if (rows.length > 0) return true;
  }
  return false;
}

function recordRestore(tables: Kysely<Tables>, header: BackupHeader, now: Date): Promise<void> {
  const { createdAt, productVersion, schema } = header;
  return recordAudit(
    tables,
    {
      actor: { kind: 'system', name: 'restore' },
      action: 'database.restore',
      outcome: 'success',
      detail: `replaced everything by the backup of ${createdAt}`,
      after: { createdAt, productVersion, schema },
    },
    now,
  );
}
