import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** Scanners for leaked secrets find tokens by this. */
export const tokenPrefix = 'culvert_';
const secretBytes = 32;
const checksumLetters = 7;

/** A new token: prefix, 256 random bits, and a checksum by which a typing error is told from a token that was revoked. */
export function newToken(): string {
  const secret = randomBytes(secretBytes).toString('base64url');
  return `${tokenPrefix}${secret}${checksum(secret)}`;
}

/** True when the text has the form of a token. Says nothing about whether it is good. */
export function isTokenText(text: string): boolean {
  const body = text.slice(tokenPrefix.length);
  const secret = body.slice(0, -checksumLetters);
  return (
    text.startsWith(tokenPrefix) && text.length < 200 && checksum(secret) === body.slice(-checksumLetters)
  );
}

/** What is kept of a token. It has 256 random bits, so a fast hash is enough. */
export function hashToken(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function checksum(secret: string): string {
  return crc32(secret).toString(36).padStart(checksumLetters, '0');
}
