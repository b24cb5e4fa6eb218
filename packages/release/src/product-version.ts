import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { versionSchema } from '@culvert/contracts';

const root = join(import.meta.dirname, '../../..');

/**
 * The version of the product that this file belongs to: of `release.json` in a release, of `package.json` in the
 * repository. Throws when there is none.
 */
export function productVersion(directory = root): string {
  const release = join(directory, 'release.json');
  const file = existsSync(release) ? release : join(directory, 'package.json');
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version?: unknown };
  return versionSchema.parse(version);
}
