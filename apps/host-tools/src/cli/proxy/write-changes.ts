import { rm } from 'node:fs/promises';
import { Failure } from '../../program/failure.ts';
import { writeWithBackup } from '../../readiness/fix/write-file.ts';
import type { FileChange } from './places.ts';

/** A file that was written or taken away, and where its old text is. */
export interface WrittenChange {
  path: string;
  backup?: string;
}

/** Writes all files or, when one cannot be written, none: those before it get their old text again. Rejects with a Failure then. */
export async function writeChanges(changes: readonly FileChange[], now: Date): Promise<WrittenChange[]> {
  const written: WrittenChange[] = [];
  for (const [index, change] of changes.entries()) {
    try {
      written.push(await write(change, now));
    } catch (error) {
      for (const done of changes.slice(0, index)) await undo(done);
      throw explain(error, change.path);
    }
  }
  return written;
}

async function write({ path, before, after }: FileChange, now: Date): Promise<WrittenChange> {
  // Also before a file goes its old text is kept, by writing it once more.
  const { backup } = await writeWithBackup('/', path, after ?? before ?? '', now);
  if (after === undefined) await rm(path);
  return { path, ...(backup === undefined ? {} : { backup }) };
}

async function undo({ path, before }: FileChange): Promise<void> {
  if (before === undefined) await rm(path, { force: true });
  else await writeWithBackup('/', path, before, new Date());
}

function explain(error: unknown, path: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  const denied = code === 'EACCES' || code === 'EPERM';
  return new Failure(
    denied
      ? {
          en: `${path} may only be changed by root. Run this with sudo; no file was changed.`,
          ja: `${path} の変更には root 権限が必要です。sudo を付けて実行してください (ファイルは変更していません)。`,
        }
      : {
          en: `${path} cannot be written: ${message}. No file was changed.`,
          ja: `${path} に書き込めません: ${message} (ファイルは変更していません)。`,
        },
    { cause: error },
  );
}
