import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Generous, because a busy machine is no mistake of the product; nothing here is about speed.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Most tests wait for something most of the time, so every processor has a worker; the default leaves one out.
    maxWorkers: '100%',
    globalSetup: ['apps/control-plane/src/testing/postgresql-setup.ts'],
    include: [
      'apps/*/src/**/*.test.ts',
      'packages/*/src/**/*.test.ts',
      'lab/src/**/*.test.ts',
      'bench/src/**/*.test.ts',
    ],
    // These need root and a lab; `lab/vitest.config.ts` runs them.
    exclude: [...configDefaults.exclude, '**/*.e2e.test.ts'],
  },
});
