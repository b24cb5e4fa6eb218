import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { access, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import packageDocument from '../../package.json' with { type: 'json' };
import type { Database } from '../database/open.ts';
import { BackupFailure } from './failure.ts';
import { type BackupHeader, formatChecksum, formatHeader, formatRow, parseHeader } from './format.ts';
import { inSnapshot, type Snapshot } from './snapshot.ts';

/** How far something is, in rows. */
export type Progress = (done: number, total: number) => void;

/** Characters that are collected before they are compressed. */
const chunk = 64 << 10;

/** Writes everything that the database holds at this moment into a new file. */
export async function writeBackup(
  database: Database,
  file: string,
  { secretsKeyId, now, onProgress }: { secretsKeyId: string; now: Date; onProgress: Progress },
): Promise<BackupHeader> {
  if (await exists(file)) {
    throw new BackupFailure(`${file} is there already; choose another name, or remove it first`);
  }
  const draft = `${file}.${randomUUID()}.part`;
  try {
    const header = await inSnapshot(database, async (snapshot) => {
      const line = formatHeader({
        productVersion: packageDocument.version,
        schema: snapshot.schema,
        createdAt: now.toISOString(),
        secretsKeyId,
        tables: snapshot.tables.map(({ name, columns, rows }) => ({
          name,
          columns: columns.map((column) => column.name),
          rows,
        })),
      });
      await pipeline(
        inChunks(linesOf(line, snapshot, onProgress)),
        createGzip(),
        createWriteStream(draft, { flags: 'wx', mode: 0o600, flush: true }),
      );
      return parseHeader(line);
    });
    await rename(draft, file);
    await syncDirectory(dirname(file));
    return header;
  } catch (error) {
    await rm(draft, { force: true });
    throw explain(error, file);
  }
}

async function* linesOf(header: string, snapshot: Snapshot, onProgress: Progress): AsyncGenerator<string> {
  const hash = createHash('sha256');
  const write = (line: string) => {
    hash.update(`${line}\n`);
    return `${line}\n`;
  };
  yield write(header);
  const total = snapshot.tables.reduce((sum, { rows }) => sum + rows, 0);
  let done = 0;
  for (const table of snapshot.tables) {
    for await (const row of snapshot.rowsOf(table)) {
      yield write(formatRow(row));
      onProgress(++done, total);
    }
  }
  yield `${formatChecksum(hash.digest('hex'))}\n`;
}

async function* inChunks(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let collected = '';
  for await (const line of lines) {
    collected += line;
    if (collected.length < chunk) continue;
    yield collected;
    collected = '';
  }
  yield collected;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** A new name survives a power cut when its directory was written too. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function explain(error: unknown, file: string): unknown {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return new BackupFailure(`${file} cannot be written: make its directory first`);
    case 'EACCES':
    case 'EROFS':
      return new BackupFailure(`${file} cannot be written: this user may not write there`);
    case 'ENOSPC':
      return new BackupFailure(`${file} cannot be written: the disk is full; nothing is left of it`);
    default:
      return error;
  }
}
