import { readdirSync, statSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { type Kysely, sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { newId } from '../database/identifier.ts';
import { migrateTo } from '../database/migrate.ts';
import { migrations } from '../database/migrations/index.ts';
import { type Database, openDatabase } from '../database/open.ts';
import { contentOf, engines, restore, TestDatabases } from './backup-testing.ts';
import { checkBackup } from './read.ts';
import { inSnapshot, leftOut } from './snapshot.ts';

const databases = new TestDatabases();
const both = databases.migratedBoth();

type AnyTables = Record<string, Record<string, unknown>>;
const rowsInto = ({ tables }: Database) => tables as unknown as Kysely<AnyTables>;

/** Any text that both engines can hold. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }).map((any) => any.replaceAll('\0', '')),
  fc.constantFrom('', '\n', '\r\n', '\u2028', '"\\', '{"integer":"1"}', '😀'.repeat(20_000)),
);
const optional = fc.option(text, { nil: null });
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, 2n ** 53n + 1n, 0n),
);
const auditEntry = fc.record({
  id: fc.uuid(),
  at: text,
  actor_kind: text,
  actor_id: optional,
  actor_name: text,
  address: optional,
  action: text,
  object_kind: optional,
  object_id: optional,
  object_name: optional,
  outcome: text,
  before: optional,
  after: optional,
  detail: optional,
  request_id: optional,
  role_scope_tag_ids: text,
});
const role = fc.record({
  id: fc.uuid(),
  version: int32,
  display_name: text,
  description: text,
  permissions: text,
  is_built_in: int32,
});
const collection = fc.record({
  id: fc.uuid(),
  version: int32,
  status: text,
  start_date_time: text,
  end_date_time: text,
  size_in_bytes: int64,
  request_date_time: text,
});
const content = fc.record({
  roles: fc.uniqueArray(role, { selector: (row) => row.display_name, maxLength: 5 }),
  audit_entries: fc.uniqueArray(auditEntry, { selector: (row) => row.id, maxLength: 10 }),
  server_log_collections: fc.uniqueArray(collection, { selector: (row) => row.id, maxLength: 10 }),
});

async function addServer(database: Database): Promise<void> {
  const tables = rowsInto(database);
  await tables
    .insertInto('server_configurations')
    .values({
      id: 'c',
      version: 1,
      display_name: '',
      description: '',
      network: '',
      listen_port: 443,
      dns_servers: '[]',
      split_dns: '[]',
      route_includes: '[]',
      route_excludes: '[]',
      disable_udp_connections: 0,
      advanced_settings: '[]',
      role_scope_tag_ids: '[]',
      last_update_date_time: '',
    })
    .execute();
  await tables
    .insertInto('sites')
    .values({
      id: 'x',
      version: 1,
      display_name: '',
      description: '',
      public_address: '',
      upgrade_automatically: 0,
      upgrade_available: 0,
      role_scope_tag_ids: '[]',
      server_configuration_id: 'c',
    })
    .execute();
  await tables
    .insertInto('servers')
    .values({
      id: 's',
      version: 1,
      site_id: 'x',
      display_name: '',
      tunnel_server_health_status: '',
      deployment_mode: '',
    })
    .execute();
}

describe.each([
  ['sqlite', 'postgresql'],
  ['postgresql', 'sqlite'],
  ['sqlite', 'sqlite'],
] as const)('a backup of %s restored on %s', (from, to) => {
  test('has the same rows, whatever is in them', async () => {
    const source = await databases.migrated(from);
    const target = both()[to];
    await addServer(source);
    await fc.assert(
      fc.asyncProperty(content, async (rows) => {
        const tables = rowsInto(source);
        for (const name of ['roles', 'audit_entries', 'server_log_collections'] as const) {
          await tables.deleteFrom(name).execute();
          const values = rows[name].map((row) =>
            name === 'server_log_collections' ? { ...row, server_id: 's' } : row,
          );
          if (values.length > 0) await tables.insertInto(name).values(values).execute();
        }
        const header = await restore(target, await databases.backUp(source), { replace: true });
        expect(await contentOf(target)).toEqual(await contentOf(source));
        const rowsOf = (name: string) => header.tables.find((table) => table.name === name)?.rows;
        expect(rowsOf('roles')).toBe(rows.roles.length);
        const values = await sql<{ value: string }>`select cast(size_in_bytes as text) as value
          from server_log_collections order by value`.execute(target.tables);
        expect(values.rows.map(({ value }) => value).sort()).toEqual(
          rows.server_log_collections.map((row) => String(row.size_in_bytes)).sort(),
        );
      }),
      { numRuns: 12 },
    );
  });
});

describe.each(engines)('a backup (%s)', (engine) => {
  const database = () => both()[engine];

  test('has every table of the database but those about running processes and sign-ins', async () => {
    const names =
      engine === 'sqlite'
        ? sql<{ name: string }>`select name from sqlite_master where type = 'table'`
        : sql<{ name: string }>`select tablename as name from pg_tables where schemaname = 'public'`;
    const { rows } = await names.execute(database().tables);
    const expected = rows
      .map(({ name }) => name)
      .filter((name) => !name.startsWith('kysely_') && !leftOut.some((other) => other === name));
    const header = await checkBackup(await databases.backUp(database()));
    expect(header.tables.map(({ name }) => name).sort()).toEqual(expected.sort());
    expect(header.schema).toBe(Object.keys(migrations(engine)).sort().at(-1));
  });

  test('brings back no sign-in that has ended since', async () => {
    const source = await databases.migrated(engine);
    const at = '2026-11-24T09:00:00.000Z';
    const tables = rowsInto(source);
    const sealed = { kind: 'AccessToken', payload: '', account_id: 'a', grant_id: 'g', expires_at: at };
    await tables
      .insertInto('openid_artifacts')
      .values({ id: 'token', ...sealed })
      .execute();
    const signIn = {
      version: 1,
      account_id: 'a',
      user_name: 'a',
      client_id: 'c',
      address: '',
      user_agent: '',
    };
    await tables
      .insertInto('sign_in_sessions')
      .values({
        id: 's',
        ...signIn,
        session_uid: 'u',
        grant_id: 'g',
        created_at: at,
        last_used_at: at,
        expires_at: at,
      })
      .execute();
    await tables
      .insertInto('sign_in_throttle')
      .values({ key: 'k', version: 1, failures: 3, last_failure_at: at, refused: 0, expires_at: at })
      .execute();
    const file = await databases.backUp(source);
    await restore(source, file, { replace: true });
    for (const table of ['openid_artifacts', 'sign_in_sessions', 'sign_in_throttle']) {
      expect(await tables.selectFrom(table).selectAll().execute()).toEqual([]);
    }
  });

  test('is of one moment, whatever is written meanwhile', async () => {
    const source = await databases.migrated(engine);
    const other = openDatabase(source.url);
    const insert = (id: string) =>
      rowsInto(other)
        .insertInto('roles')
        .values({ id, version: 1, display_name: id, description: '', permissions: '[]', is_built_in: 0 })
        .execute();
    await insert('before');
    const seen = await inSnapshot(source, async ({ tables, rowsOf }) => {
      await insert('after');
      const roles = tables.find(({ name }) => name === 'roles');
      return roles === undefined ? [] : Array.fromAsync(rowsOf(roles), ([id]) => id);
    });
    expect(seen).toEqual(['before']);
    await other.close();
  });

  test('can be read by its owner only, leaves no drafts, and overwrites nothing', async () => {
    const file = await databases.backUp(database());
    expect(statSync(file).mode & 0o777).toBe(0o600);
    writeFileSync(`${file}.kept`, 'precious');
    await expect(
      databases.backUp(database(), () => {
        throw new Error('interrupted');
      }),
    ).rejects.toThrow('interrupted');
    expect(readdirSync(databases.directory).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  test('of an empty database is refused', async () => {
    await expect(databases.backUp(await databases.empty(engine))).rejects.toThrow('no tables');
  });

  const names = Object.keys(migrations(engine)).sort();
  test.each(names)('of a database as it was after %s is restored and migrated', async (name) => {
    const source = await databases.empty(engine);
    await migrateTo(source, name);
    const id = newId(new Date());
    await rowsInto(source)
      .insertInto('audit_entries')
      .values({
        id,
        at: '',
        actor_kind: '',
        actor_name: 'old',
        action: '',
        outcome: '',
        role_scope_tag_ids: '[]',
      })
      .execute();
    const target = await databases.migrated(engine === 'sqlite' ? 'postgresql' : 'sqlite');
    const header = await restore(target, await databases.backUp(source), { replace: true });
    expect(header.schema).toBe(name);
    const { rows } = await sql<{ name: string }>`select max(name) as name from kysely_migration`.execute(
      target.tables,
    );
    expect(rows).toEqual([{ name: names.at(-1) }]);
    expect(await contentOf(target)).toContainEqual(expect.stringContaining(id));
    const change = sql`update audit_entries set action = 'x'`.execute(target.tables);
    await expect(change).rejects.toThrow('cannot be changed');
  });
});
