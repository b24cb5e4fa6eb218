import { defineConfig } from 'vitest/config';

/** End-to-end tests: real programs in network namespaces. They need root and what `lab/setup` installs. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['src/**/*.e2e.test.ts'],
    // Each file has a network of its own, but two cores are soon busy, and timing is part of what is tested.
    fileParallelism: false,
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
  },
});
