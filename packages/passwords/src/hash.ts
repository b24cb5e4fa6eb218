import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { hashBytes, hashCost, type PasswordHash, saltBytes } from './phc.ts';

const compute = promisify(argon2);

/** Longest password in bytes of UTF-8 after normalisation; more would only be work for an attacker to order. */
export const longestPasswordBytes = 256;

/**
 * The bytes of a password, the same whichever way a keyboard composes an accent (NFC, RFC 8265 §4.2);
 * undefined when it is empty or too long.
 */
export function passwordBytes(password: string): Buffer | undefined {
  // Normalisation never makes text a third as long, so this bounds its cost too.
  if (password.length > 3 * longestPasswordBytes) return undefined;
  const bytes = Buffer.from(password.normalize('NFC'), 'utf8');
  return bytes.length >= 1 && bytes.length <= longestPasswordBytes ? bytes : undefined;
}

/** Hashes a new password with a fresh salt. */
export async function hashPassword(password: Buffer): Promise<PasswordHash> {
  const salt = randomBytes(saltBytes);
  return {
    ...hashCost,
    salt,
    hash: await run(password, { ...hashCost, salt, hash: Buffer.alloc(hashBytes) }),
  };
}

/** True when the password gives this hash. The work depends on the hash alone, never on the password. */
export async function matchesHash(password: Buffer, expected: PasswordHash): Promise<boolean> {
  return timingSafeEqual(await run(password, expected), expected.hash);
}

function run(password: Buffer, { memory, passes, parallelism, salt, hash }: PasswordHash): Promise<Buffer> {
  return compute('argon2id', {
    message: password,
    nonce: salt,
    memory,
    passes,
    parallelism,
    tagLength: hash.length,
  });
}
