import { createHash } from 'node:crypto';
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const parts = ['apps', 'packages'] as const;
const engine = 'engine/target/release/culvert-engine';

/** How a release differs from the one that is in the repository, besides its version. */
export interface ReleaseChanges {
  /** The engine is another program, which does the same. */
  hasOtherEngine?: boolean;
  /** The gateway ends as soon as it is started. */
  isBroken?: boolean;
}

/** Makes a release of the programs under test that says its own version: copies of apps and packages, and links to what they need. */
export function copyRelease(releases: string, version: string, changes: ReleaseChanges = {}): void {
  const directory = join(releases, version);
  for (const part of parts) {
    cpSync(join(repository, part), join(directory, part), {
      recursive: true,
      filter: (path) => !path.endsWith('.test.ts') && !path.includes('/node_modules'),
    });
    for (const name of readdirSync(join(directory, part))) {
      setVersion(join(directory, part, name, 'package.json'), version);
    }
  }
  linkModules(directory);
  mkdirSync(join(directory, dirname(engine)), { recursive: true });
  copyFileSync(join(repository, engine), join(directory, engine));
  // What stands behind the end of an ELF file is not looked at.
  if (changes.hasOtherEngine === true) appendFileSync(join(directory, engine), version);
  if (changes.isBroken === true) {
    writeFileSync(
      join(directory, 'apps/gateway/src/main.ts'),
      "console.error('this release is broken');\nprocess.exit(1);\n",
    );
  }
  mkdirSync(join(directory, 'bin'));
  const node = realpathSync(join(repository, 'node_modules/.bin/node'));
  writeFileSync(join(directory, 'bin/node'), `#!/bin/sh\nexec ${node} "$@"\n`, { mode: 0o755 });
  const description = {
    version,
    programs: {
      gateway: ['bin/node', 'apps/gateway/src/main.ts'],
      agent: ['bin/node', 'apps/agent/src/main.ts'],
    },
    engine,
    engineDigest: createHash('sha256')
      .update(readFileSync(join(directory, engine)))
      .digest('hex'),
  };
  writeFileSync(join(directory, 'release.json'), JSON.stringify(description));
}

function setVersion(file: string, version: string): void {
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), version }));
}

/** Modules of others are shared; those of the product must be the release's own. */
function linkModules(directory: string): void {
  const from = join(repository, 'node_modules');
  const to = join(directory, 'node_modules');
  mkdirSync(join(to, '@culvert'), { recursive: true });
  for (const name of readdirSync(from)) {
    if (name !== '@culvert') symlinkSync(join(from, name), join(to, name));
  }
  for (const part of parts) {
    for (const name of readdirSync(join(directory, part))) {
      symlinkSync(join(directory, part, name), join(to, '@culvert', name));
    }
  }
}
