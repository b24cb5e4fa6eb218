import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import tar from 'tar-stream';
import { closeSources, type LogSource, openSources, readSpan } from './log-sources.ts';

/** What an archive is about. */
export interface ArchiveRequest {
  collection: string;
  /** ISO 8601. */
  start: string;
  end: string;
  includeAccessLog: boolean;
  hostName: string;
  versions: Readonly<Record<string, string>>;
}

/** What was left out of a log, and what is in the archive of it. */
export interface ArchivedLog {
  name: string;
  lines: number;
  bytes: number;
  /** Lines of each level. */
  levels: Record<string, number>;
  /** Older lines of the span that had no room. */
  leftOutLines: number;
}

/** `manifest.json` of an archive. */
export interface Manifest extends Omit<ArchiveRequest, 'collection'> {
  formatVersion: 1;
  collection: string;
  madeAt: string;
  logs: ArchivedLog[];
}

export interface Archive {
  sizeInBytes: number;
  /** Lower-case hex. */
  sha256: string;
}

/**
 * Bytes of all lines of an archive. Even when they cannot be compressed at all the archive is smaller than the 64 MiB that the
 * control plane takes.
 */
export const mostLineBytes = 60 * 1024 * 1024;

/**
 * Writes the logs of a span as `tar.gz` with a manifest; secrets are taken out once more. Of a log that is too long the newest
 * lines are kept. The file has its name only when it is whole.
 */
export async function writeArchive(
  file: string,
  logDirectory: string,
  request: ArchiveRequest,
  now: Date,
  lineBytes = mostLineBytes,
): Promise<Archive> {
  const sources = await openSources(logDirectory, { ...request, since: Date.parse(request.start) });
  try {
    const share = Math.floor(lineBytes / Math.max(1, sources.length));
    const logs: ArchivedLog[] = [];
    for (const source of sources) logs.push(await measure(source, request, share));
    const manifest: Manifest = { formatVersion: 1, ...request, madeAt: now.toISOString(), logs };
    const pack = tar.pack();
    const hash = createHash('sha256');
    let sizeInBytes = 0;
    const tap = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        sizeInBytes += chunk.length;
        done(null, chunk);
      },
    });
    const written = pipeline(pack, createGzip(), tap, createWriteStream(`${file}.part`, { mode: 0o600 }));
    await Promise.all([fill(pack, manifest, sources, now), written]);
    await rename(`${file}.part`, file);
    return { sizeInBytes, sha256: hash.digest('hex') };
  } finally {
    await closeSources(sources);
  }
}

const lineOf = (text: string) => `${text}\n`;

/** Counts what a log has in the span, and how many of its oldest lines do not fit. */
async function measure(
  source: LogSource,
  { start, end }: ArchiveRequest,
  share: number,
): Promise<ArchivedLog> {
  const sizes: number[] = [];
  const levels: string[] = [];
  let bytes = 0;
  for await (const { text, level } of readSpan(source, Date.parse(start), Date.parse(end))) {
    const size = Buffer.byteLength(lineOf(text));
    sizes.push(size);
    levels.push(level ?? 'other');
    bytes += size;
  }
  let leftOutLines = 0;
  while (bytes > share) {
    bytes -= sizes[leftOutLines] ?? 0;
    leftOutLines += 1;
  }
  const kept = levels.slice(leftOutLines);
  const counted = Map.groupBy(kept, (level) => level);
  return {
    name: source.name,
    lines: kept.length,
    bytes,
    levels: Object.fromEntries([...counted].map(([level, lines]) => [level, lines.length])),
    leftOutLines,
  };
}

async function fill(
  pack: tar.Pack,
  manifest: Manifest,
  sources: readonly LogSource[],
  now: Date,
): Promise<void> {
  try {
    pack.entry({ name: 'manifest.json', mtime: now }, `${JSON.stringify(manifest, undefined, 2)}\n`);
    for (const [index, log] of manifest.logs.entries()) {
      const source = sources[index];
      if (source === undefined) continue;
      const entry = pack.entry({ name: log.name, size: log.bytes, mtime: now });
      await pipeline(Readable.from(keptLines(source, manifest, log)), entry);
    }
    pack.finalize();
  } catch (error) {
    pack.destroy(error as Error);
    throw error;
  }
}

async function* keptLines(
  source: LogSource,
  { start, end }: Manifest,
  { leftOutLines, lines }: ArchivedLog,
): AsyncGenerator<string> {
  let index = 0;
  for await (const { text } of readSpan(source, Date.parse(start), Date.parse(end))) {
    if (index >= leftOutLines && index < leftOutLines + lines) yield lineOf(text);
    index += 1;
  }
}
