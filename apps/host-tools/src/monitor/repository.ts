import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { versionSchema } from '@culvert/contracts';
import { z } from 'zod';
import type { Release } from './releases.ts';

const root = join(import.meta.dirname, '../../../..');

/** This repository as a release: its programs run from their sources with the Node of this process. */
export function repositoryRelease(): Release {
  const description: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const { version } = z.object({ version: versionSchema }).parse(description);
  const program = (name: string) => [process.execPath, join(root, `apps/${name}/src/main.ts`)];
  return {
    version,
    directory: root,
    commands: { gateway: program('gateway'), agent: program('agent') },
    engine: undefined,
  };
}
