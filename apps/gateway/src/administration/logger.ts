import { Writable } from 'node:stream';
import pino, { type Logger } from 'pino';

/** Fields that could carry a secret by mistake; the second line after never passing one. */
const secrets = ['password', 'cookie', 'authorization', 'token', 'privateKey', 'masterSecret'];

/** JSON lines for collectors; short lines when a person looks at a terminal. */
export function createLogger(output: NodeJS.WriteStream, level = 'info'): Logger {
  const options = {
    level,
    base: null,
    redact: { paths: secrets.flatMap((name) => [name, `*.${name}`]), censor: '…' },
  };
  if (!output.isTTY) return pino({ ...options, timestamp: pino.stdTimeFunctions.isoTime }, output);
  return pino(
    options,
    new Writable({
      write: (chunk, _encoding, done) => output.write(`${forTerminal(String(chunk))}\n`, done),
    }),
  );
}

/** One JSON line of pino as `12:00:01 warn  message key=value`. */
export function forTerminal(line: string): string {
  const { level, time, msg, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const clock = new Date(Number(time)).toTimeString().slice(0, 8);
  const name = pino.levels.labels[Number(level)] ?? String(level);
  const fields = Object.entries(rest).map(
    ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  // What devices send stands in fields; it must not steer the terminal.
  return `${clock} ${name.padEnd(5)} ${msg ?? ''}${fields.join('')}`.replace(/\p{Cc}/gu, '?');
}
