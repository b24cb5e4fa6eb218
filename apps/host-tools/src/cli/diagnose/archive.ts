import { open, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import tar from 'tar-stream';
import { Failure } from '../../program/failure.ts';
import type { Part } from './parts.ts';

/** What is in an archive, and what is not. */
export interface Diagnosis {
  parts: string[];
  /** Parts that could not be told, with the reason. */
  leftOut: { name: string; reason: string }[];
}

/** Programs and sockets mostly wait, and one that hangs must not hold up all others. */
const atOnce = 8;

/** Collects every part; one that fails is left out with its reason. Never rejects. */
export async function collectParts(
  parts: readonly Part[],
): Promise<{ files: { name: string; text: string }[]; diagnosis: Diagnosis }> {
  const files: { name: string; text: string }[] = [];
  const leftOut: Diagnosis['leftOut'] = [];
  const waiting = [...parts];
  const work = async () => {
    for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
      const { name } = part;
      try {
        const text = await part.collect();
        if (text !== undefined) files.push({ name, text });
      } catch (error) {
        leftOut.push({ name, reason: error instanceof Error ? error.message : String(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  files.sort((left, right) => (left.name < right.name ? -1 : 1));
  return { files, diagnosis: { parts: files.map(({ name }) => name), leftOut } };
}

/** Writes the files as `tar.gz` to a new file that only root may read. Rejects with a Failure, and leaves nothing behind then. */
export async function writeArchive(
  path: string,
  files: readonly { name: string; text: string }[],
  folder: string,
  now: Date,
): Promise<void> {
  // `wx` takes neither a file nor a link that is there.
  const handle = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw explain(error, path);
  });
  try {
    const pack = tar.pack();
    const written = pipeline(pack, createGzip(), handle.createWriteStream());
    for (const { name, text } of files)
      pack.entry({ name: `${folder}/${name}`, mode: 0o600, mtime: now }, text);
    pack.finalize();
    await written;
  } catch (error) {
    await rm(path, { force: true });
    throw explain(error as NodeJS.ErrnoException, path);
  }
}

function explain(error: NodeJS.ErrnoException, path: string): Failure {
  if (error.code === 'EEXIST') {
    return new Failure({
      en: `${path} is there already and is not overwritten. Name another file with --output.`,
      ja: `${path} は既に存在するため、上書きしません。--output で別のファイル名を指定してください。`,
    });
  }
  const full = error.code === 'ENOSPC';
  return new Failure(
    {
      en: `${path} cannot be written: ${full ? 'the disk is full' : error.message}. Name another place with --output.`,
      ja: `${path} に書き込めません: ${full ? 'ディスクの空き領域がありません' : error.message}。--output で別の場所を指定してください。`,
    },
    { cause: error },
  );
}
