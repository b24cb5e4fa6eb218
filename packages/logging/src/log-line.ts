import { parseFields, redactText, redactValue } from './redaction.ts';

/** Words of levels, most important first, and their numbers in the journal (RFC 5424 §6.2.1). */
export const logLevels = { fatal: 2, error: 3, warn: 4, info: 6, debug: 7, trace: 7 } as const;
export type LogLevel = keyof typeof logLevels;

/** One line of a log: text for programs, and what the outputs want to know of it. */
export interface LogLine {
  /** JSON without secrets and without its end. */
  text: string;
  level: LogLevel;
  fields: Record<string, unknown>;
}

/** Makes the line that is kept of one that pino wrote: time, level, tag and message first, secrets taken out. */
export function logLine(written: string): LogLine {
  const { time, level, tag, msg, ...further } = parseFields(written) ?? { msg: redactText(written) };
  const known = isLogLevel(level) ? level : 'info';
  const fields = redactValue({ time, level: known, tag, msg, ...further }) as Record<string, unknown>;
  return { text: JSON.stringify(fields), level: known, fields };
}

export function isLogLevel(level: unknown): level is LogLevel {
  return typeof level === 'string' && Object.hasOwn(logLevels, level);
}

/** A line for people, as `12:00:01 warn  message key=value`, in the local time of the host. */
export function forTerminal({ fields }: LogLine): string {
  const { time, level, tag: _tag, msg, ...further } = fields;
  const clock = new Date(String(time)).toTimeString().slice(0, 8);
  const rest = Object.entries(further).map(
    ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  // What devices send stands in fields; it must not steer the terminal.
  return `${clock} ${String(level).padEnd(5)} ${msg ?? ''}${rest.join('')}`.replace(/\p{Cc}/gu, '?');
}
