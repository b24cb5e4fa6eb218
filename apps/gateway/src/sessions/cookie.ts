import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * The session cookie is the session's id (8 bytes) and a secret of 20 bytes, all hexadecimal digits: `=` and `;`
 * break `openconnect --cookie` (protocol.md §1.6). The id finds the session, the secret proves it.
 */
export const cookiePattern = /^[0-9a-f]{56}$/;
const idDigits = 16;

export interface NewCookie {
  id: string;
  cookie: string;
  hash: string;
}

/** Makes a cookie of 28 random bytes. */
export function newCookie(random: (bytes: number) => Buffer): NewCookie {
  const cookie = random(28).toString('hex');
  return { id: cookie.slice(0, idDigits), cookie, hash: hashCookie(cookie) };
}

/** The id inside a cookie, or undefined when the text has not the shape of a cookie. */
export function sessionIdOf(cookie: string): string | undefined {
  return cookiePattern.test(cookie) ? cookie.slice(0, idDigits) : undefined;
}

/** SHA-256; the secret has 160 random bits, so a slow hash would add nothing. */
export function hashCookie(cookie: string): string {
  return createHash('sha256').update(cookie).digest('hex');
}

/** Compares in constant time. */
export function cookieMatches(cookie: string, hash: string): boolean {
  return timingSafeEqual(Buffer.from(hashCookie(cookie)), Buffer.from(hash));
}
