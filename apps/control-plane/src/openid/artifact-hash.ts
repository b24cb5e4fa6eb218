import { createHash, createHmac } from 'node:crypto';

/** What stands in the database for a cookie, code or token. They have 256 random bits, so a fast hash is enough. */
export function hashArtifact(kind: string, id: string): string {
  return createHash('sha256').update(`${kind}\0${id}`).digest('hex');
}

/** A code that people type in has few bits; without the key nobody finds it by trying. */
export function hashUserCode(key: Buffer, userCode: string): string {
  return createHmac('sha256', key).update(userCode).digest('hex');
}
