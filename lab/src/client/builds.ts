import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Which openconnect: Debian's package (GnuTLS) or the one that `lab/setup` builds with OpenSSL. */
export type ClientBuild = 'gnutls' | 'openssl';

export const clientBuilds: readonly ClientBuild[] = ['gnutls', 'openssl'];

/** Where the lab keeps what takes long to make. */
export const cacheDirectory = process.env.CULVERT_CACHE ?? '/var/cache/culvert-lab';

export const opensslClientFile = join(cacheDirectory, 'openconnect-openssl');

/** Path of a client; fails with the remedy when it is not there. */
export function clientProgram(build: ClientBuild): string {
  if (build === 'gnutls') return 'openconnect';
  if (!existsSync(opensslClientFile)) {
    throw new Error(`${opensslClientFile} is missing: run lab/setup, which builds it from Debian's source`);
  }
  return opensslClientFile;
}
