/** Child of the sign-in benchmark: prints the CPU milliseconds of one argon2id hash. */
import { argon2Sync, randomBytes } from 'node:crypto';

// With the allocator of the gateway, which gives the memory of each hash back and pays for that with page faults.
const allocator = { MALLOC_MMAP_THRESHOLD_: String(1 << 20), MALLOC_TRIM_THRESHOLD_: String(1 << 20) };
if (process.env.MALLOC_MMAP_THRESHOLD_ === undefined) {
  process.execve?.(process.execPath, process.argv, { ...process.env, ...allocator });
}

const [memory, passes, parallelism] = process.argv.slice(2).map(Number);
if (memory === undefined || passes === undefined || parallelism === undefined) {
  throw new Error('usage: argon2.ts MEMORY_KIB PASSES PARALLELISM');
}

const hash = () =>
  argon2Sync('argon2id', {
    message: 'a password of usual length',
    nonce: randomBytes(16),
    memory,
    passes,
    parallelism,
    tagLength: 32,
  });

hash();
const count = 20;
const before = process.cpuUsage();
for (let index = 0; index < count; index += 1) hash();
const { user, system } = process.cpuUsage(before);
console.log((user + system) / 1000 / count);
