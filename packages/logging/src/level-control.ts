import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import { z } from 'zod';
import { type LogLevel, logLevels } from './log-line.ts';

const level = z.enum(Object.keys(logLevels) as [LogLevel, ...LogLevel[]]);

/** The body of `PUT /log-level`: a level, and when the one of before comes back. Without an end it stays until the process ends. */
export const logLevelChangeSchema = z.strictObject({ level, until: z.iso.datetime().optional() });
export type LogLevelChange = z.output<typeof logLevelChangeSchema>;

/** Answer of `GET /log-level`. */
export const logLevelSchema = z.strictObject({
  /** The level of the lines that are written. */
  level,
  /** When `usual` comes back; absent while it is in force. */
  until: z.iso.datetime().optional(),
  usual: level,
});
export type LogLevelState = z.output<typeof logLevelSchema>;

/** What is kept on disk, so that a process that was started again goes on with it. */
const keptSchema = z.strictObject({ level, until: z.iso.datetime() });
export type TemporaryLevel = z.output<typeof keptSchema>;

/** The level in force at a moment. */
export function levelAt(usual: LogLevel, temporary: TemporaryLevel | undefined, now: number): LogLevelState {
  if (temporary === undefined || Date.parse(temporary.until) <= now) return { level: usual, usual };
  return { level: temporary.level, until: temporary.until, usual };
}

/** A timer of Node waits 24.8 days at most. */
const longestTimer = 2 ** 31 - 1;

/** Changes the level of a logger for a time; the level of before comes back by itself, also after a restart. */
export class LevelControl {
  readonly #logger: Pick<Logger, 'level' | 'info' | 'warn'>;
  readonly #file: string;
  readonly #now: () => number;
  #usual: LogLevel;
  #temporary: TemporaryLevel | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Takes over what an earlier process has kept in `file`. `now` is Unix time in milliseconds. */
  constructor(logger: Pick<Logger, 'level' | 'info' | 'warn'>, file: string, now: () => number = Date.now) {
    this.#logger = logger;
    this.#file = file;
    this.#now = now;
    this.#usual = level.catch('info').parse(logger.level);
    this.#temporary = readKept(file);
    this.#apply();
  }

  get state(): LogLevelState {
    return levelAt(this.#usual, this.#temporary, this.#now());
  }

  change(change: LogLevelChange): LogLevelState {
    if (change.until === undefined) {
      this.#usual = change.level;
      this.#temporary = undefined;
    } else {
      this.#temporary = { level: change.level, until: change.until };
    }
    return this.#keepAndApply();
  }

  /** Ends a level that was for a time; the usual one is back at once. */
  end(): LogLevelState {
    this.#temporary = undefined;
    return this.#keepAndApply();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #keepAndApply(): LogLevelState {
    try {
      keep(this.#file, this.#temporary);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#logger.warn({ reason }, 'the log level does not outlast a restart: it could not be kept');
    }
    return this.#apply();
  }

  #apply(): LogLevelState {
    clearTimeout(this.#timer);
    const state = this.state;
    if (state.until === undefined && this.#temporary !== undefined) {
      this.#temporary = undefined;
      return this.#keepAndApply();
    }
    if (this.#logger.level !== state.level) {
      this.#logger.level = state.level;
      this.#logger.info({ level: state.level, until: state.until }, 'the log level has changed');
    }
    if (state.until !== undefined) {
      const left = Date.parse(state.until) - this.#now();
      this.#timer = setTimeout(() => this.#apply(), Math.min(left, longestTimer)).unref();
    }
    return state;
  }
}

function readKept(file: string): TemporaryLevel | undefined {
  try {
    return keptSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    // Not there, or not readable: the usual level is right then.
    return undefined;
  }
}

function keep(file: string, temporary: TemporaryLevel | undefined): void {
  if (temporary === undefined) {
    rmSync(file, { force: true });
    return;
  }
  mkdirSync(dirname(file), { recursive: true, mode: 0o750 });
  writeFileSync(`${file}.part`, JSON.stringify(temporary), { mode: 0o640 });
  renameSync(`${file}.part`, file);
}
