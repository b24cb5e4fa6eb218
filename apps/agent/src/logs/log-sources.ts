import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { logTags } from '@culvert/logging/create-logger.ts';
import { parseFields, redactLine, redactText } from '@culvert/logging/redaction.ts';

/** The kernel stamps a file with the time of its last tick, so a line may look older than it is. */
const clockTickMilliseconds = 100;

/** A line that was read, without secrets. */
export interface ReadLine {
  text: string;
  /** Unix time in milliseconds. */
  time: number;
  level: string | undefined;
}

/** One log with its older files, held open so that it stays the same while it is read twice. */
export interface LogSource {
  /** Name of the file that holds its lines in an archive. */
  name: string;
  /** Oldest first, with the bytes that each had when it was opened. */
  files: { handle: FileHandle; bytes: number }[];
}

/** Bytes of lines of other programs that are looked at together, because a key in PEM has many lines. */
const longestBlock = 64 * 1024;

/** Names of logs and of the files that each has. */
const engineLog = { name: 'engine.log', pattern: /^engine\.log(?:\.(\d+))?$/ };
const accessLog = { name: 'access.jsonl', pattern: /^access\.jsonl(?:\.(\d+))?$/ };
const taggedLogs = logTags.map((tag) => ({
  name: `${tag}.jsonl`,
  pattern: new RegExp(`^${tag}(?:\\.(\\d+))?\\.jsonl$`),
}));

/** Opens every log of a directory, without files that were not written since then. A log without files is left out. */
export async function openSources(
  directory: string,
  { includeAccessLog = false, since = 0 } = {},
): Promise<LogSource[]> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    // A host on which nothing has logged yet.
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const wanted = [...taggedLogs, engineLog, ...(includeAccessLog ? [accessLog] : [])];
  const sources: LogSource[] = [];
  try {
    for (const { name, pattern } of wanted) {
      const source: LogSource = { name, files: [] };
      sources.push(source);
      for (const file of oldestFirst(names, pattern)) {
        const handle = await open(join(directory, file), 'r').catch((error: NodeJS.ErrnoException) => {
          // Rotation has given it another name, under which it may be read once more or not at all.
          if (error.code === 'ENOENT') return undefined;
          throw error;
        });
        if (handle === undefined) continue;
        const { size, mtimeMs } = await handle.stat();
        if (mtimeMs + clockTickMilliseconds < since) await handle.close();
        else source.files.push({ handle, bytes: size });
      }
    }
  } catch (error) {
    await closeSources(sources);
    throw error;
  }
  return sources.filter(({ files }) => files.length > 0);
}

export async function closeSources(sources: readonly LogSource[]): Promise<void> {
  await Promise.all(sources.flatMap(({ files }) => files.map(({ handle }) => handle.close())));
}

/** Files of one log in the order in which they were written. */
export function oldestFirst(names: readonly string[], pattern: RegExp): string[] {
  return names
    .flatMap((name) => {
      const match = pattern.exec(name);
      return match === null ? [] : [{ name, number: Number(match[1] ?? 0) }];
    })
    .sort((a, b) => b.number - a.number)
    .map(({ name }) => name);
}

/** Lines of a log from `start` to `end`, in Unix time in milliseconds, in the order in which they were written. */
export async function* readSpan(source: LogSource, start: number, end: number): AsyncGenerator<ReadLine> {
  let time = 0;
  let block: string[] = [];
  let blockBytes = 0;
  const blockLines = () => {
    const lines = block.length === 0 ? [] : redactText(block.join('\n')).split('\n');
    block = [];
    blockBytes = 0;
    return lines.map((text) => ({ text, time, level: undefined }));
  };
  const isWanted = () => time >= start && time <= end;
  for (const file of source.files) {
    for await (const line of linesOf(file)) {
      const fields = parseFields(line);
      if (fields === undefined) {
        // A line that says no time belongs to the one before.
        if (isWanted()) block.push(line);
        blockBytes += line.length;
        if (blockBytes > longestBlock) yield* blockLines();
        continue;
      }
      yield* blockLines();
      time = timeOf(fields.time) ?? time;
      if (isWanted()) yield { text: redactLine(line), time, level: levelOf(fields.level) };
    }
    yield* blockLines();
  }
}

async function* linesOf({ handle, bytes }: LogSource['files'][number]): AsyncGenerator<string> {
  if (bytes === 0) return;
  const stream = handle.createReadStream({ start: 0, end: bytes - 1, autoClose: false, encoding: 'utf8' });
  let rest = '';
  for await (const piece of stream as AsyncIterable<string>) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

/** The engine writes milliseconds, the others ISO 8601. */
function timeOf(time: unknown): number | undefined {
  const value = typeof time === 'number' ? time : Date.parse(String(time));
  return Number.isFinite(value) ? value : undefined;
}

function levelOf(level: unknown): string | undefined {
  if (level === 'warning') return 'warn';
  return typeof level === 'string' ? level : undefined;
}
