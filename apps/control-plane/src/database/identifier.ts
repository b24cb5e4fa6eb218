import { randomUUID } from 'node:crypto';

/** A UUID of version 7 (RFC 9562 §5.7): the first 48 bits are milliseconds, so identifiers sort by time. */
export function newId(now: Date): string {
  const time = now.getTime().toString(16).padStart(12, '0');
  // Version 4 has its variant and its random bits at the same places, and Node draws them in advance.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
