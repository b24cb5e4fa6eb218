import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { recentLogsBytes } from '@culvert/contracts';
import { z } from 'zod';
import { closeSources, openSources, type ReadLine, readSpan } from './log-sources.ts';
import type { UploadTarget } from './upload.ts';

export interface RecentLogsOptions {
  logDirectory: string;
  /** Remembers up to when lines were sent. */
  stateFile: string;
  target: () => UploadTarget;
  now?: () => Date;
}

const stateSchema = z.strictObject({ sentUntil: z.iso.datetime() });

/** How often lines are sent, and how far back the first ones go. */
const intervalMilliseconds = 60 * 60_000;
const firstMilliseconds = 24 * 60 * 60_000;
/** Lines that are looked at; with the shortest ones this is more than fits. */
const mostLines = 10_000;
const sentLevels = new Set(['warn', 'error', 'fatal']);

/** Sends warnings and errors each hour, so that an administrator sees them without asking. */
export class RecentLogs {
  readonly #options: Required<RecentLogsOptions>;

  constructor(options: RecentLogsOptions) {
    this.#options = { now: () => new Date(), ...options };
  }

  /** Sends the lines since the last time, when an hour has passed since; call it after each check-in. Rejects when they were not taken; they go with the next. */
  async sendIfDue(): Promise<void> {
    const { logDirectory, stateFile, target } = this.#options;
    const now = this.#options.now();
    const sentUntil = await readSentUntil(stateFile);
    // A clock that was set back must not keep lines for ever.
    const since = Math.min(sentUntil ?? now.getTime() - firstMilliseconds, now.getTime());
    if (sentUntil !== undefined && sentUntil <= now.getTime() && now.getTime() - since < intervalMilliseconds)
      return;
    const packed = packLines(await readRecent(logDirectory, since, now.getTime()));
    await target().send('PUT', '/agent/v1/recent-logs', packed, { contentType: 'application/gzip' });
    await mkdir(dirname(stateFile), { recursive: true, mode: 0o700 });
    const state: z.output<typeof stateSchema> = { sentUntil: now.toISOString() };
    await writeFile(`${stateFile}.part`, JSON.stringify(state), { mode: 0o600, flush: true });
    await rename(`${stateFile}.part`, stateFile);
  }
}

/** Lines of warning and above after `since`, the newest of them, in the order of their times. */
async function readRecent(logDirectory: string, since: number, until: number): Promise<string[]> {
  const sources = await openSources(logDirectory, { since });
  try {
    let found: ReadLine[] = [];
    for (const source of sources) {
      for await (const line of readSpan(source, since + 1, until)) {
        if (line.level === undefined || !sentLevels.has(line.level)) continue;
        found.push(line);
        if (found.length > 2 * mostLines) found = newest(found);
      }
    }
    return newest(found).map(({ text }) => text);
  } finally {
    await closeSources(sources);
  }
}

function newest(lines: ReadLine[]): ReadLine[] {
  return lines.sort((a, b) => a.time - b.time).slice(-mostLines);
}

/** Gzip over as many of the newest lines as fit. */
export function packLines(lines: readonly string[], most = recentLogsBytes): Buffer {
  for (let kept = lines.length; kept > 0; kept = Math.floor(kept / 2)) {
    const packed = gzipSync(
      lines
        .slice(-kept)
        .map((line) => `${line}\n`)
        .join(''),
    );
    if (packed.length <= most) return packed;
  }
  return gzipSync('');
}

async function readSentUntil(file: string): Promise<number | undefined> {
  try {
    return Date.parse(stateSchema.parse(JSON.parse(await readFile(file, 'utf8'))).sentUntil);
  } catch {
    // Nothing was sent yet, or the file is damaged: then lines are sent twice rather than not at all.
    return undefined;
  }
}
