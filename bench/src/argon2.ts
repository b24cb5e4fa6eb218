/** Child of the sign-in benchmark: prints the CPU milliseconds of one argon2id hash. */
import { argon2Sync, randomBytes } from 'node:crypto';

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
