import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take minutes come first, so that everything else runs beside them and nothing waits for them at the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => moduleId.includes('/survival/');
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    // Generous, because a busy machine is no mistake of the product; nothing here is about speed.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Most tests wait for something half of the time, so there are more workers than processors.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    // Every process of the product starts in half the time with code that an earlier one has compiled.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/tests') },
    sequence: { sequencer: LongestFirst },
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
