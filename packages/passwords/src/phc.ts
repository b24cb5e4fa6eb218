/** An argon2id hash in the PHC string format. */
export interface PasswordHash {
  /** KiB. */
  memory: number;
  passes: number;
  parallelism: number;
  salt: Buffer;
  hash: Buffer;
}

export type HashCost = Pick<PasswordHash, 'memory' | 'passes' | 'parallelism'>;

/**
 * OWASP's first choice for argon2id: 19 MiB, two passes, one lane, about 20 ms on a server core. The larger choice of
 * RFC 9106 §4 (64 MiB, three passes) would let 40 attempts a second fill the smallest server of the sizing table.
 */
export const hashCost: HashCost = { memory: 19_456, passes: 2, parallelism: 1 };
/** RFC 9106 §3.1: 128 bits are enough for all applications. */
export const saltBytes = 16;
/** RFC 9106 §4: a 256-bit tag. */
export const hashBytes = 32;

/** What one verification may cost: 1 GiB and ten passes are beyond every recommendation. */
const limits = { memory: 1_048_576, passes: 10, parallelism: 16 };

const pattern =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

/** Reads `$argon2id$v=19$m=…,t=…,p=…$salt$hash`; undefined when it is anything else or costs too much. */
export function parsePasswordHash(text: string): PasswordHash | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, memory, passes, parallelism, salt = '', hash = ''] = match;
  const parsed = {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
  };
  const affordable =
    parsed.memory <= limits.memory &&
    parsed.passes <= limits.passes &&
    parsed.parallelism <= limits.parallelism;
  // RFC 9106 §3.1: at least 8 KiB for each lane.
  const lawful = parsed.passes >= 1 && parsed.parallelism >= 1 && parsed.memory >= 8 * parsed.parallelism;
  return affordable && lawful ? parsed : undefined;
}

/** Writes a hash as a PHC string; base64 without padding, as that format wants. */
export function formatPasswordHash({ memory, passes, parallelism, salt, hash }: PasswordHash): string {
  const text = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${text(salt)}$${text(hash)}`;
}
