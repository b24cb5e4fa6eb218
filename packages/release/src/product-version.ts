import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { versionSchema } from '@culvert/contracts';

/** Put in by the bundler: a bundle has no file beside it that tells its version. */
declare const CULVERT_BUILT_VERSION: string;

/**
 * The version of the product that this program belongs to: the one that it was bundled with, or of `release.json` in a
 * release, or of `package.json` in the repository. Throws when there is none.
 */
export function productVersion(directory?: string): string {
  if (directory === undefined && typeof CULVERT_BUILT_VERSION === 'string') return CULVERT_BUILT_VERSION;
  const root = directory ?? join(import.meta.dirname, '../../..');
  const release = join(root, 'release.json');
  const file = existsSync(release) ? release : join(root, 'package.json');
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version?: unknown };
  return versionSchema.parse(version);
}
