import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { sql } from 'kysely';
import { pino } from 'pino';
import { beforeAll, describe, expect, test } from 'vitest';
import { recordAudit } from '../audit/record.ts';
import { prepareDatabase } from '../database/prepare.ts';
import { Presence } from '../periodic-work/presence.ts';
import { contentOf, engines, restore, TestDatabases } from './backup-testing.ts';
import { checkBackup } from './read.ts';

const databases = new TestDatabases();
let good: Buffer;

beforeAll(async () => {
  const source = await databases.migrated('sqlite');
  await prepareDatabase(source);
  const actor = { kind: 'system', name: 'test' } as const;
  for (let entry = 0; entry < 50; entry += 1) {
    await recordAudit(source.tables, { actor, action: `made.${entry}`, outcome: 'success' }, new Date());
  }
  good = readFileSync(await databases.backUp(source));
});

function fileOf(bytes: Buffer): string {
  const file = databases.newFile();
  writeFileSync(file, bytes);
  return file;
}

/** A backup whose lines were changed by somebody who knows gzip. */
const changedLines = (change: (lines: string[]) => string[]) =>
  fileOf(gzipSync(change(gunzipSync(good).toString().split('\n')).join('\n')));

test('a backup that is cut off anywhere is refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length - 1), async (length) => {
      await expect(checkBackup(fileOf(good.subarray(0, length)))).rejects.toThrow('cut off or was changed');
    }),
  );
});

test('a backup of which a byte was changed is refused, or says the same', async () => {
  const header = await checkBackup(fileOf(good));
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), async (at, difference) => {
      const bytes = Buffer.from(good);
      bytes[at] = (bytes[at] ?? 0) ^ difference;
      // Some bits of gzip mean nothing: a time, the name of a system, padding.
      const isSame = await checkBackup(fileOf(bytes)).then(
        (found) => JSON.stringify(found) === JSON.stringify(header),
        (error: Error) => /changed|not a backup/.test(error.message),
      );
      expect(isSame).toBe(true);
    }),
  );
});

test.each<[string, (lines: string[]) => string[]]>([
  ['a row less', (lines) => lines.toSpliced(3, 1)],
  ['a row twice', (lines) => lines.toSpliced(3, 0, lines[3] ?? '')],
  ['rows in another order', (lines) => lines.toSpliced(3, 2, lines[4] ?? '', lines[3] ?? '')],
  ['another value', (lines) => lines.with(3, (lines[3] ?? '').replace(/[a-z]/, 'X'))],
  ['no checksum', (lines) => lines.slice(0, -2).concat('')],
  ['something after the checksum', (lines) => lines.slice(0, -1).concat('[]', '')],
])('a backup with %s is refused', async (_, change) => {
  await expect(checkBackup(changedLines(change))).rejects.toThrow('cut off or was changed');
});

test('what is no backup is refused as such', async () => {
  await expect(checkBackup(fileOf(gzipSync('{"a":1}\n')))).rejects.toThrow('not a backup');
  await expect(checkBackup(fileOf(Buffer.from('plain text')))).rejects.toThrow('changed');
  await expect(checkBackup('/nonexistent/file')).rejects.toThrow('does not exist');
});

describe.each(engines)('restore (%s)', (engine) => {
  const header = (change: (header: Record<string, unknown>) => void) =>
    changedLines((lines) => {
      const first = JSON.parse(lines[0] ?? '');
      change(first);
      return lines.with(0, JSON.stringify(first));
    });

  test('refuses a backup of a newer format or schema and says who can read it', async () => {
    const target = await databases.empty(engine);
    const format = header((first) => {
      first.formatVersion = 2;
    });
    await expect(restore(target, format)).rejects.toThrow('the release that made it, or a later one');
  });

  test('refuses a backup of another key and says which key to put where', async () => {
    const target = await databases.empty(engine);
    const refused = restore(target, fileOf(good), { secretsKeyId: 'feedfeedfeedfeed' });
    await expect(refused).rejects.toThrow(/0123456789abcdef.*feedfeedfeedfeed.*the file secrets\.key/);
  });

  test('refuses a database that is not empty unless it may be replaced', async () => {
    const target = await databases.migrated(engine);
    await prepareDatabase(target);
    const before = await contentOf(target);
    await expect(restore(target, fileOf(good))).rejects.toThrow('add --yes');
    expect(await contentOf(target)).toEqual(before);
    await restore(target, fileOf(good), { replace: true });
    expect((await contentOf(target)).length).toBe(before.length + 50);
  });

  test('takes an empty database, migrated or not', async () => {
    for (const target of [await databases.empty(engine), await databases.migrated(engine)]) {
      await restore(target, fileOf(good));
      const actions = await target.tables.selectFrom('audit_entries').select('action').execute();
      expect(actions).toHaveLength(51);
      expect(actions).toContainEqual({ action: 'database.restore' });
    }
  });

  test('refuses the database of another program, even to replace it', async () => {
    const target = await databases.empty(engine);
    await sql`create table customers (name text)`.execute(target.tables);
    await expect(restore(target, fileOf(good), { replace: true })).rejects.toThrow('not of a control plane');
  });

  test('refuses a database on which a control plane runs', async () => {
    const target = await databases.migrated(engine);
    const presence = new Presence(target, 'one', pino({ level: 'silent' }));
    await presence.begin();
    await expect(restore(target, fileOf(good), { replace: true })).rejects.toThrow('stop it first');
    await presence.end();
    await restore(target, fileOf(good), { replace: true });
  });

  test('that fails in the middle leaves everything as it was', async () => {
    const target = await databases.migrated(engine);
    await prepareDatabase(target);
    const before = await contentOf(target);
    const interrupted = restore(target, fileOf(good), {
      replace: true,
      onProgress: (done) => {
        if (done > 0) throw new Error('interrupted');
      },
    });
    await expect(interrupted).rejects.toThrow('interrupted');
    expect(await contentOf(target)).toEqual(before);
    await restore(target, fileOf(good), { replace: true });
  });
});
