import { randomFillSync } from 'node:crypto';

const poolBytes = 4096;

/** Gives random bytes in pieces of a larger draw: asking the system costs more than the bytes. Each is given once. */
export function randomPool(): (bytes: number) => Buffer {
  const pool = Buffer.allocUnsafeSlow(poolBytes);
  let used = poolBytes;
  return (bytes) => {
    if (bytes > poolBytes) return randomFillSync(Buffer.alloc(bytes));
    if (used + bytes > poolBytes) {
      randomFillSync(pool);
      used = 0;
    }
    const piece = Buffer.from(pool.subarray(used, used + bytes));
    pool.fill(0, used, used + bytes);
    used += bytes;
    return piece;
  };
}
