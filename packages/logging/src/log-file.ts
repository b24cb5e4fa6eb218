import {
  closeSync,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

export interface LogFileLimits {
  /** Bytes of one file. */
  fileBytes: number;
  /** Files that are kept, the one that is written included. */
  files: number;
}

/** 64 MiB of each log, so that a host with a small disk is not filled. */
export const usualLimits: LogFileLimits = { fileBytes: 8 << 20, files: 8 };

/** Time after which writing is tried again when it has failed. */
const retryMilliseconds = 1000;

/** Path of a log file; the higher the number, the older the lines. */
export function logFilePath(directory: string, tag: string, number = 0): string {
  return join(directory, number === 0 ? `${tag}.jsonl` : `${tag}.${number}.jsonl`);
}

/**
 * `TAG.jsonl`, with a bounded number of older files beside it. Lines are appended synchronously, so that one that was written
 * survives the death of the process. It never throws: a full disk must not end the process, and lines are left out then.
 */
export class LogFile {
  readonly #directory: string;
  readonly #tag: string;
  readonly #limits: LogFileLimits;
  #descriptor: number | undefined;
  #bytes = 0;
  #lost = 0;
  #retryAt = 0;

  constructor(directory: string, tag: string, limits = usualLimits) {
    this.#directory = directory;
    this.#tag = tag;
    this.#limits = limits;
  }

  /** Appends a line. `now` is Unix time in milliseconds. */
  write(line: string, now: number): void {
    if (now < this.#retryAt) {
      this.#lost += 1;
      return;
    }
    try {
      const missed = this.#lost === 0 ? '' : missing(this.#lost, this.#tag, now);
      const bytes = Buffer.from(`${missed}${line}\n`);
      if (this.#descriptor !== undefined && this.#bytes + bytes.length > this.#limits.fileBytes)
        this.#rotate();
      this.#descriptor ??= this.#open();
      writeSync(this.#descriptor, bytes);
      this.#bytes += bytes.length;
      this.#lost = 0;
    } catch {
      // There is nowhere to tell it but here, with the first line that can be written again.
      this.#lost += 1;
      this.#retryAt = now + retryMilliseconds;
      this.close();
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #open(): number {
    mkdirSync(this.#directory, { recursive: true, mode: 0o750 });
    const descriptor = openSync(logFilePath(this.#directory, this.#tag), 'a', 0o640);
    // The umask of the process may have taken the group's right to read.
    fchmodSync(descriptor, 0o640);
    this.#bytes = fstatSync(descriptor).size;
    return descriptor;
  }

  #rotate(): void {
    const path = (number: number) => logFilePath(this.#directory, this.#tag, number);
    const isOurs = this.#isCurrent();
    this.close();
    // Another process of the same tag, such as the successor of this one, may have done it.
    if (!isOurs) return;
    rmSync(path(this.#limits.files - 1), { force: true });
    for (let number = this.#limits.files - 2; number >= 0; number -= 1)
      renameIfThere(path(number), path(number + 1));
  }

  /** True while the file that is written has its first name still. */
  #isCurrent(): boolean {
    const named = statSync(logFilePath(this.#directory, this.#tag), { throwIfNoEntry: false });
    return (
      named !== undefined && this.#descriptor !== undefined && named.ino === fstatSync(this.#descriptor).ino
    );
  }
}

function missing(lines: number, tag: string, now: number): string {
  const time = new Date(now).toISOString();
  return `${JSON.stringify({ time, level: 'warn', tag, msg: 'lines are missing here: the file could not be written', lines })}\n`;
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
