// Bundles a program of this repository with all that it imports into one file: bundle.mjs ENTRY OUTPUT [esm|cjs] [VERSION].
// Runs with the pinned Node, after the npm packages are there.

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'rolldown';
import { root } from './setup.mjs';

const repository = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const [entry, output, format = 'esm', version = repository.version] = process.argv.slice(2);

await build({
  input: resolve(root, entry),
  platform: 'node',
  logLevel: 'warn',
  transform: { define: { CULVERT_BUILT_VERSION: JSON.stringify(version) } },
  output: { file: resolve(output), format, codeSplitting: false, minify: true },
});
