import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrateToLatest } from '../database/migrate.ts';
import { openDatabase } from '../database/open.ts';
import { loadSecretsKey } from '../secrets/secrets-key.ts';
import { emptyDatabase } from '../testing/databases.ts';
import { makeScopeTags } from '../testing/graph.ts';
import { callerOfToken } from '../tokens/store.ts';
import { exitStatus, runProgram } from './program.ts';

/** Runs a command line and keeps what it wrote. */
async function command(...parameters: string[]) {
  const printed: string[] = [];
  const complained: string[] = [];
  const status = await runProgram(parameters, {
    print: (text) => printed.push(text),
    complain: (text) => complained.push(text),
  });
  return { status, printed: printed.join('\n'), complained: complained.join('\n') };
}

/** What took longer than a second, as anything may on a busy machine, has told how far it was. */
const withoutProgress = (text: string) =>
  text.replaceAll(/^(backup|restore): \d+ of \d+ rows .*$/gm, '').trim();

describe.each(['sqlite', 'postgresql'] as const)('the command line (%s)', (engine) => {
  const directory = mkdtempSync(join(tmpdir(), 'culvert-command-'));
  const config = join(directory, 'control-plane.json');
  let place: Awaited<ReturnType<typeof emptyDatabase>>;
  const configure = (file: string, database: string) =>
    writeFileSync(
      file,
      JSON.stringify({ publicUrl: 'https://localhost:8443', database, stateDirectory: 'state' }),
    );

  beforeAll(async () => {
    place = await emptyDatabase(engine);
    configure(config, place.url);
    // As the first start of a control plane leaves it.
    await loadSecretsKey({ stateDirectory: join(directory, 'state') }, {});
  });
  afterAll(async () => {
    await place.remove();
    rmSync(directory, { recursive: true });
  });

  const token = (...more: string[]) => command('token', '--config', config, '--name', 'script', ...more);

  async function callerOf(text: string, now = new Date()) {
    const database = openDatabase(place.url);
    try {
      return await callerOfToken(database, text, { address: '127.0.0.1', requestId: 'r' }, now);
    } finally {
      await database.close();
    }
  }

  test('token prints a token and nothing else, on a database that no control plane has seen', async () => {
    const made = await token('--role', 'readOnlyOperator', '--expires', '1h');
    expect([made.status, made.complained]).toEqual([0, expect.stringContaining('shown only now')]);
    const caller = await callerOf(made.printed);
    expect(caller?.grants[0]?.scopeTagIds).toBe('all');
    expect(caller?.grants[0]?.permissions.has('Culvert_Audit_Read')).toBe(true);
    expect(caller?.grants[0]?.permissions.has('Culvert_Roles_Update')).toBe(false);
    expect(await callerOf(made.printed, new Date(Date.now() + 3_600_001))).toBeUndefined();
  });

  test('token takes the display name of a role and scope tags, and prints JSON for programs', async () => {
    const database = openDatabase(place.url);
    await makeScopeTags(database, '1', '2');
    await database.close();
    const made = await token('--role', 'tunnel administrator', '--scope-tag', '1', '2', '--json');
    const document = JSON.parse(made.printed);
    expect(document).toEqual({
      id: expect.any(String),
      token: expect.stringMatching(/^culvert_/),
      roleId: 'tunnelAdministrator',
      expiresDateTime: expect.any(String),
    });
    expect((await callerOf(document.token))?.grants[0]?.scopeTagIds).toEqual(new Set(['1', '2']));
  });

  test('token is in the audit log, without its text', async () => {
    const made = await token('--role', 'administrator');
    const database = openDatabase(place.url);
    const entries = await database.tables.selectFrom('audit_entries').selectAll().execute();
    await database.close();
    expect(entries.at(-1)).toMatchObject({ action: 'apiToken.create', actor_kind: 'system' });
    expect(JSON.stringify(entries)).not.toContain(made.printed);
  });

  test('token with a role that is not there lists the roles', async () => {
    const { status, printed, complained } = await token('--role', 'emperor');
    expect([status, printed]).toEqual([exitStatus.failed, '']);
    expect(complained).toContain('there is no role "emperor"');
    expect(complained).toContain('readOnlyOperator  (Read Only Operator)');
  });

  test('token with a scope tag that is not there lists the scope tags', async () => {
    const { status, printed, complained } = await token('--role', 'administrator', '--scope-tag', '0', '99');
    expect([status, printed]).toEqual([exitStatus.failed, '']);
    expect(complained).toContain('there is no scope tag 99; the scope tags are:');
    expect(complained).toContain('0  (Default)');
  });

  test.each([
    [['token', '--config', config, '--role', 'administrator'], '--name'],
    [
      ['token', '--config', config, '--name', 'x', '--role', 'administrator', '--expires', '1y'],
      'such as 1h',
    ],
    [['backup', '--config', config], "missing required argument 'file'"],
    [['restore', 'x', '--config', config, '--force'], '--force'],
  ])('%j is wrong use', async (parameters, message) => {
    const { status, printed, complained } = await command(...parameters);
    expect([status, printed]).toEqual([exitStatus.wrongUse, '']);
    expect(complained).toContain(message);
  });

  test('backup and restore go round, onto the other engine too', async () => {
    const file = join(directory, 'b.backup');
    const made = await command('backup', file, '--config', config);
    expect([made.status, withoutProgress(made.complained)]).toEqual([0, '']);
    expect(made.printed).toContain('secrets.key');
    const key = readFileSync(join(directory, 'state/secrets.key'), 'utf8').trim();
    expect(made.printed + readFileSync(file, 'latin1')).not.toContain(key);
    const other = await emptyDatabase(engine === 'sqlite' ? 'postgresql' : 'sqlite');
    const otherConfig = join(directory, 'other.json');
    configure(otherConfig, other.url);
    const restored = await command('restore', file, '--config', otherConfig);
    expect([restored.status, withoutProgress(restored.complained)]).toEqual([0, '']);
    expect(restored.printed).toContain('API tokens and recovery codes are as they were at the backup');
    const again = await command('restore', file, '--config', otherConfig);
    expect([again.status, again.complained]).toEqual([1, expect.stringContaining('--yes')]);
    expect((await command('restore', file, '--config', otherConfig, '--yes')).status).toBe(0);
    await other.remove();
  });

  test('backup of a database that is not there makes none', async () => {
    const empty = await emptyDatabase(engine);
    const emptyConfig = join(directory, 'empty.json');
    configure(emptyConfig, empty.url);
    const refused = await command('backup', join(directory, 'none.backup'), '--config', emptyConfig);
    expect([refused.status, refused.complained]).toEqual([
      1,
      expect.stringMatching(/nothing to back up|no tables/),
    ]);
    const database = openDatabase(empty.url);
    await migrateToLatest(database);
    await database.close();
    await empty.remove();
  });
});

test('a configuration file that is not there is said with the option that names it', async () => {
  const { status, complained } = await command(
    'token',
    '--config',
    '/none.json',
    '--name',
    'x',
    '--role',
    'y',
  );
  expect([status, complained]).toEqual([1, expect.stringContaining('--config FILE')]);
});

test('help names every command', async () => {
  const { status, printed } = await command('--help');
  expect(status).toBe(0);
  for (const name of ['run', 'token', 'backup', 'restore']) expect(printed).toContain(name);
});
