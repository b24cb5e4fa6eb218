import { join } from 'node:path';
import { productVersion } from '@culvert/release/product-version.ts';
import type { Release } from './releases.ts';

const root = join(import.meta.dirname, '../../../..');

/** This repository as a release: its programs run from their sources with the Node of this process. */
export function repositoryRelease(): Release {
  const program = (name: string) => [process.execPath, join(root, `apps/${name}/src/main.ts`)];
  return {
    version: productVersion(),
    directory: root,
    commands: { gateway: program('gateway'), agent: program('agent') },
    engine: undefined,
  };
}
