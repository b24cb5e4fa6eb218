import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { useMemorySettings } from './administration/memory-settings.ts';

// Not for the commands that are done in a moment.
if (!['token', 'backup', 'restore'].includes(process.argv[2] ?? '')) useMemorySettings();

// Half of a start is compiling. The place belongs to whoever installed the product: a cache that others could write would let
// them choose what runs here.
enableCompileCache(join(import.meta.dirname, '../../../node_modules/.cache/compiled'));
// What it makes is its own: database, keys, certificates.
process.umask(0o077);
const { runProgram } = await import('./administration/program.ts');

// npm runs scripts in the repository's root; the paths that were typed are meant from where they were typed.
const { INIT_CWD, npm_lifecycle_event } = process.env;
if (npm_lifecycle_event === 'control-plane' && INIT_CWD !== undefined) process.chdir(INIT_CWD);

process.exitCode = await runProgram(process.argv.slice(2), {
  print: (text) => process.stdout.write(`${text}\n`),
  complain: (text) => process.stderr.write(`${text}\n`),
});
