import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as wait } from 'node:timers/promises';

/** How often a file is looked at that is followed. */
const lookMilliseconds = 250;
const pieceBytes = 64 * 1024;
const lineEnd = 0x0a;

/** The log of a program so far: its whole lines, and the byte of its newest file at which the next one begins. */
export interface ReadLog {
  lines: string[];
  next: number;
}

/** Reads the log of a program with its older files, oldest first; empty when it has not logged yet. */
export async function readLog(directory: string, tag: string): Promise<ReadLog> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const pattern = new RegExp(`^${tag}(?:\\.(\\d+))?\\.jsonl$`);
  const files = names.flatMap((name) => {
    const match = pattern.exec(name);
    return match === null ? [] : [{ name, age: Number(match[1] ?? 0) }];
  });
  const oldestFirst = files.sort((left, right) => right.age - left.age);
  const texts = await Promise.all(oldestFirst.map(({ name }) => readFile(join(directory, name))));
  const newest = oldestFirst.at(-1)?.age === 0 ? texts.at(-1) : undefined;
  return {
    lines: texts.flatMap((text) => text.toString('utf8').split('\n').slice(0, -1)),
    next: newest === undefined ? 0 : newest.lastIndexOf(lineEnd) + 1,
  };
}

/** Lines of a log from a byte of its newest file on, over its rotation, until the signal. */
export async function* followLog(
  directory: string,
  tag: string,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const path = join(directory, `${tag}.jsonl`);
  let descriptor = openIfThere(path);
  let position = from;
  let decoder = new StringDecoder('utf8');
  let rest = '';
  const piece = Buffer.alloc(pieceBytes);
  try {
    while (!signal.aborted) {
      const read = descriptor === undefined ? 0 : readSync(descriptor, piece, 0, pieceBytes, position);
      position += read;
      const lines = (rest + decoder.write(piece.subarray(0, read))).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
      if (read > 0) continue;
      if (isAnother(path, descriptor)) {
        if (descriptor !== undefined) closeSync(descriptor);
        descriptor = openIfThere(path);
        position = 0;
        decoder = new StringDecoder('utf8');
        rest = '';
      } else await wait(lookMilliseconds, undefined, { signal }).catch(() => {});
    }
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** True when another file than the open one has the name now. */
function isAnother(path: string, descriptor: number | undefined): boolean {
  const named = statSync(path, { throwIfNoEntry: false });
  if (named === undefined) return false;
  return descriptor === undefined || fstatSync(descriptor).ino !== named.ino;
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** When a line of JSON was written, Unix time in milliseconds; undefined for other lines. */
export function timeOfLine(line: string): number | undefined {
  const text = /"time":"([^"]{1,40})"/.exec(line)?.[1];
  const time = Date.parse(text ?? '');
  return Number.isFinite(time) ? time : undefined;
}
