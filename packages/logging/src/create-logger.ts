import { fstatSync } from 'node:fs';
import pino, { type Logger } from 'pino';
import { Journal } from './journal.ts';
import { LogFile } from './log-file.ts';
import { forTerminal, type LogLevel, logLine } from './log-line.ts';

/** Tags of the programs of a host: names of their files, and identifiers in the journal. */
export const logTags = ['mstunnel-server', 'mstunnel-agent', 'mstunnel_monitor'] as const;
export type LogTag = (typeof logTags)[number];

export interface LoggerOptions {
  tag: LogTag;
  /** Where `TAG.jsonl` is kept; no file without it. */
  directory?: string;
  level?: string;
  output: NodeJS.WriteStream;
  /** Socket of the journal, in tests. */
  journalSocket?: string;
}

/**
 * A logger whose lines go to a file, to the journal of the host where there is one, and to the output: JSON for collectors,
 * short lines when a person looks at a terminal. Secrets are taken out of every line. Nothing that happens to an output
 * reaches who logs.
 */
export function createLogger({
  tag,
  directory,
  level = 'info',
  output,
  journalSocket,
}: LoggerOptions): Logger {
  const file = directory === undefined ? undefined : new LogFile(directory, tag);
  const journal = new Journal(tag, journalSocket);
  const printed = isJournal(output, process.env) ? undefined : new Output(output);
  const write = (written: string) => {
    const line = logLine(written);
    const now = Date.now();
    file?.write(line.text, now);
    journal.write(line, now);
    printed?.write(output.isTTY ? forTerminal(line) : line.text);
  };
  return pino(
    {
      level,
      base: { tag },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label as LogLevel }) },
    },
    { write },
  );
}

/** Standard output, until its reader has gone. */
class Output {
  readonly #stream: NodeJS.WriteStream;
  #isOpen = true;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    stream.on('error', () => {
      this.#isOpen = false;
    });
  }

  write(line: string): void {
    if (this.#isOpen) this.#stream.write(`${line}\n`);
  }
}

/** True when systemd has connected the output to the journal, which has every line already; see `systemd.exec(5)`. */
function isJournal(output: NodeJS.WriteStream, { JOURNAL_STREAM: stream }: NodeJS.ProcessEnv): boolean {
  if (stream === undefined || !('fd' in output) || typeof output.fd !== 'number') return false;
  const { dev, ino } = fstatSync(output.fd);
  return stream === `${dev}:${ino}`;
}
