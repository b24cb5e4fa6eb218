import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';

const file = (name: string) => `src/**/${name}.e2e.test.ts`;

/** Tests of servers with their control plane, which mostly wait: for an outage, for a server to be judged healthy again. */
const fleet = file('fleet-*');

/** Tests with Docker and Podman, each with engines of its own. */
const containers = file('containers-*');

/**
 * Tests of one gateway that mostly wait too, for seconds and minutes: no measurement of theirs is finer, none loads the machine,
 * and each is alone in its network.
 */
const patient = [
  'administration',
  'client-certificate',
  'connect',
  'engine-replaced',
  'http',
  'internal-side',
  'monitor',
  'platforms',
  'sign-in',
  'start',
  'timeouts',
].map(file);

const common = {
  root: import.meta.dirname,
  pool: 'forks',
  testTimeout: 120_000,
  hookTimeout: 120_000,
  teardownTimeout: 30_000,
  // Every process of the product starts in half the time with code that an earlier one has compiled.
  env: { NODE_COMPILE_CACHE: join(import.meta.dirname, '../node_modules/.cache/tests') },
} as const;

/**
 * End-to-end tests: real programs in network namespaces. They need root and what `lab/setup` installs. Each file has a network
 * of its own, but two cores are soon busy, and timing is part of what is tested: a file runs alone unless it is known to be patient.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...common,
          name: 'gateway',
          include: [file('*')],
          exclude: [...configDefaults.exclude, fleet, containers, ...patient],
          fileParallelism: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          name: 'gateway-patient',
          include: patient,
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
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
