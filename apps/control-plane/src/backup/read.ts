import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { BackupFailure } from './failure.ts';
import {
  type BackupHeader,
  type BackupValue,
  changed,
  parseChecksum,
  parseHeader,
  parseRow,
} from './format.ts';

/** What a backup is made of, in its order. */
export type BackupPart =
  | { kind: 'header'; header: BackupHeader }
  | { kind: 'row'; table: BackupHeader['tables'][number]; values: BackupValue[] };

/** Characters of a line; a row of the audit log has two objects of 256 kB at most. */
const longestLine = 64 << 20;

/** Reads a backup piece by piece. Throws a BackupFailure, at the latest at its end, when it is not as it was written. */
export async function* readBackup(file: string): AsyncGenerator<BackupPart> {
  const lines = linesOf(file);
  const hash = createHash('sha256');
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw changed();
    return value;
  };
  const hashed = async () => {
    const line = await next();
    hash.update(line).update('\n');
    return line.toString('utf8');
  };
  try {
    const header = parseHeader(await hashed());
    yield { kind: 'header', header };
    for (const table of header.tables) {
      for (let row = 0; row < table.rows; row += 1) {
        yield { kind: 'row', table, values: parseRow(await hashed(), table.columns.length) };
      }
    }
    const expected = parseChecksum((await next()).toString('utf8'));
    if (expected !== hash.digest('hex') || !(await lines.next()).done) throw changed();
  } finally {
    await lines.return(undefined);
  }
}

/** Reads a backup to its end and resolves to its header. Throws a BackupFailure when it is not as it was written. */
export async function checkBackup(file: string): Promise<BackupHeader> {
  let found: BackupHeader | undefined;
  for await (const part of readBackup(file)) if (part.kind === 'header') found = part.header;
  if (found === undefined) throw changed();
  return found;
}

/** The lines of the file without their ends. The last one must have an end too. */
async function* linesOf(file: string): AsyncGenerator<Buffer, undefined> {
  let rest: Buffer[] = [];
  let length = 0;
  const content = createGunzip();
  // What fails comes out of the iteration.
  pipeline(createReadStream(file), content, () => {});
  try {
    for await (const bytes of content as AsyncIterable<Buffer>) {
      let from = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
        yield Buffer.concat([...rest, bytes.subarray(from, end)]);
        rest = [];
        length = 0;
        from = end + 1;
      }
      if (from < bytes.length) rest.push(bytes.subarray(from));
      length += bytes.length - from;
      if (length > longestLine) throw changed();
    }
  } catch (error) {
    throw explain(error, file);
  }
  if (rest.length > 0) throw changed();
  return undefined;
}

function explain(error: unknown, file: string): unknown {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new BackupFailure(`${file} does not exist`);
  if (code === 'EACCES' || code === 'EISDIR') return new BackupFailure(`${file} cannot be read (${code})`);
  // Errors of zlib: the file ends early, or is no gzip.
  if (code.startsWith('Z_')) return changed();
  return error;
}
