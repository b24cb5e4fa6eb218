import { closeSync, fchmodSync, fstatSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { EndReason, Platform } from '@culvert/contracts';

/** Why a session ended: what the engine says, or what the gateway decided while the engine did not hold it. */
export type SessionEndReason = EndReason | 'neverConnected' | 'logout' | 'replaced' | 'networkChanged';

interface Who {
  user?: string;
  session?: string;
  deviceType?: string;
  platform?: Platform;
  hostname?: string;
  userAgent?: string;
  remoteAddress?: string;
  ipv4?: string;
  ipv6?: string;
}

/** One line of the access log. Passwords and cookies have no field here. */
export type AccessEvent =
  | ({ event: 'signIn'; result: 'accepted' } & Who)
  | ({
      event: 'signIn';
      result: 'refused';
      reason: string;
      detail?: string;
      /** Refusals of this address that were left out before this line. */
      suppressed?: number;
    } & Who)
  | ({ event: 'connect' | 'reconnect'; tls?: string; dtls?: string } & Who)
  | ({
      event: 'end';
      reason: SessionEndReason;
      bytesIn: number;
      bytesOut: number;
      durationSeconds: number;
    } & Who);

/** The line of an event; JSON escapes every control character, so one event is always one line. */
export function accessLine(event: AccessEvent, now: number): string {
  return `${JSON.stringify({ time: new Date(now).toISOString(), ...event })}\n`;
}

/** Far more than the sessions that can stand between their log line and the deletion of their record. */
const tailBytes = 64 * 1024;

/** `access.jsonl`: appended synchronously, so that a line that was written survives the death of the process. */
export class AccessLog {
  readonly #path: string;
  #descriptor: number;

  constructor(path: string) {
    this.#path = path;
    mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
    this.#descriptor = open(path);
  }

  write(event: AccessEvent, now: number): void {
    writeSync(this.#descriptor, accessLine(event, now));
  }

  /** Starts a new file after the old one was renamed (log rotation). */
  reopen(): void {
    const previous = this.#descriptor;
    this.#descriptor = open(this.#path);
    closeSync(previous);
  }

  /** Sessions whose end stands among the last lines. */
  recentlyEnded(): Set<string> {
    const size = fstatSync(this.#descriptor).size;
    const tail = Buffer.alloc(Math.min(size, tailBytes));
    readSync(this.#descriptor, tail, 0, tail.length, size - tail.length);
    return endedSessions(tail.toString('utf8'));
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** Session ids of the `end` events in a piece of the log; cut-off lines are passed over. */
export function endedSessions(text: string): Set<string> {
  const ended = new Set<string>();
  for (const line of text.split('\n')) {
    if (!line.includes('"event":"end"')) continue;
    try {
      const event: unknown = JSON.parse(line);
      if (typeof event !== 'object' || event === null) continue;
      if ('session' in event && typeof event.session === 'string') ended.add(event.session);
    } catch {
      // The first line of the piece may be cut off.
    }
  }
  return ended;
}

function open(path: string): number {
  const descriptor = openSync(path, 'a+', 0o640);
  // The umask of the process may have taken the group's right to read.
  fchmodSync(descriptor, 0o640);
  return descriptor;
}
