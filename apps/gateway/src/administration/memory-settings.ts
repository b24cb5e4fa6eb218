/**
 * Settings that the memory of a gateway needs and that only hold from the start of a process.
 *
 * Each password check borrows 19 MiB for argon2id. By default glibc raises its threshold for giving memory back after
 * the first one and keeps those blocks in every thread of the pool: over 100 MB that nobody uses. The young generation
 * of the heap stays small, because what a gateway makes lives either for one request or for hours.
 */
const allocator = { MALLOC_MMAP_THRESHOLD_: String(1 << 20), MALLOC_TRIM_THRESHOLD_: String(1 << 20) };
const heap = ['--max-semi-space-size=2'];

/** Replaces this process by one with the settings, unless it has them. Returns when there is nothing to do. */
export function useMemorySettings(): void {
  const { env, execArgv, argv, execPath } = process;
  const isSet = Object.keys(allocator).every((name) => env[name] !== undefined);
  // An administrator who sets one of them keeps it; Node on another system may not be able to replace itself.
  if (isSet || process.execve === undefined) return;
  process.execve(execPath, [execPath, ...heap, ...execArgv, ...argv.slice(1)], { ...allocator, ...env });
}
