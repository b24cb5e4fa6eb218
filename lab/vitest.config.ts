import { configDefaults, defineConfig } from 'vitest/config';

/** Tests that mostly wait: for an outage, for a server to be judged healthy again. */
const fleet = 'src/**/fleet-*.e2e.test.ts';
/** Tests with Docker and Podman, each with engines of its own. */
const containers = 'src/**/containers-*.e2e.test.ts';

const common = {
  root: import.meta.dirname,
  pool: 'forks',
  testTimeout: 120_000,
  hookTimeout: 120_000,
  teardownTimeout: 30_000,
} as const;

/**
 * End-to-end tests: real programs in network namespaces. They need root and what `lab/setup` installs. Each file has a network
 * of its own, but two cores are soon busy, and timing is part of what is tested: only those of the fleet run beside each other.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...common,
          name: 'gateway',
          include: ['src/**/*.e2e.test.ts'],
          exclude: [...configDefaults.exclude, fleet, containers],
          fileParallelism: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          name: 'fleet',
          include: [fleet],
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...common,
          name: 'containers',
          include: [containers],
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
