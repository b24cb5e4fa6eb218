import { connect, type Socket } from 'node:net';
import { type LogLine, logLevels } from './log-line.ts';

/** Where systemd-journald takes streams; `sd_journal_stream_fd(3)` connects there. */
export const journalSocket = '/run/systemd/journal/stdout';

/** The journal cuts lines at 48 KiB (`LineMax=` of journald.conf(5)). */
const longestLine = 48 * 1024 - 8;
/** Bytes that wait for a journal that does not read; what comes then is left out. */
const mostWaiting = 1 << 20;
/** Time between two tries to connect. */
const retryMilliseconds = 5000;

/** The head of a stream: identifier, unit, default priority, whether lines have a level in front, and where to copy them. */
export function journalHead(identifier: string): string {
  return `${identifier}\n\n${logLevels.info}\n1\n0\n0\n0\n`;
}

/** A line for the journal with its level in front, as in `sd-daemon(3)`. */
export function journalLine({ text, level }: LogLine): Buffer {
  const bytes = Buffer.from(`<${logLevels[level]}>${text}`);
  return Buffer.concat([bytes.subarray(0, longestLine), Buffer.from('\n')]);
}

/** Sends lines to the journal of the host. Where there is none, or while it is away, nothing happens and nobody waits. */
export class Journal {
  readonly #identifier: string;
  readonly #path: string;
  #socket: Socket | undefined;
  #retryAt = 0;

  constructor(identifier: string, path = journalSocket) {
    this.#identifier = identifier;
    this.#path = path;
  }

  /** `now` is Unix time in milliseconds. */
  write(line: LogLine, now: number): void {
    if (this.#socket === undefined && now >= this.#retryAt) this.#connect(now);
    if (this.#socket !== undefined && this.#socket.writableLength < mostWaiting) {
      this.#socket.write(journalLine(line));
    }
  }

  /** Resolves when what was written has been handed over, or cannot be. */
  close(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      socket.once('close', () => resolve());
      socket.end();
    });
  }

  #connect(now: number): void {
    const socket = connect(this.#path);
    const lost = () => {
      if (this.#socket === socket) this.#socket = undefined;
      socket.destroy();
    };
    // The journal is away or starts again; the file of the log has every line.
    socket.on('error', lost);
    socket.on('close', lost);
    // A journal never says anything; reading tells when it is gone.
    socket.resume();
    socket.unref();
    socket.write(journalHead(this.#identifier));
    this.#socket = socket;
    this.#retryAt = now + retryMilliseconds;
  }
}
