// `npm run build:images`: the container images of a server, `mstunnel-server:VERSION` and `mstunnel-agent:VERSION`.
//   --engine docker|podman   what builds them (the one that is installed)
//   --base IMAGE             the image that they begin with (a small Debian 12)
//   --version VERSION        instead of that of package.json
//   --archive FILE           also saves both into one file, which `docker load` and `podman load` read

import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  ensureEngine,
  ensureNodePackages,
  hasProgram,
  main,
  node,
  root,
  run,
  SetupError,
  say,
} from './setup.mjs';

const images = ['server', 'agent'];
/** Programs of the images, by the folder of `apps/` that they are made from. */
const apps = ['gateway', 'agent'];

main(() => {
  const options = readOptions();
  ensureNodePackages();
  const engineFile = ensureEngine();
  const context = mkdtempSync(join(tmpdir(), 'culvert-images-'));
  try {
    collect(context, engineFile, options.version);
    for (const image of images) build(image, context, options);
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
  if (options.archive !== undefined) save(options);
  for (const image of images) say(`built ${nameOf(image, options)}`);
});

function readOptions() {
  const text = { type: 'string' };
  const usage =
    'usage: npm run build:images -- [--engine docker|podman] [--base IMAGE] [--version VERSION] [--archive FILE]';
  let values;
  try {
    values = parseArgs({ options: { engine: text, base: text, version: text, archive: text } }).values;
  } catch (error) {
    throw new SetupError(`${error.message}; ${usage}`);
  }
  const engine = values.engine ?? ['docker', 'podman'].find(hasProgram);
  if (!['docker', 'podman'].includes(engine) || !hasProgram(engine))
    throw new SetupError(
      `images are built by Docker or Podman, and there is no ${engine ?? 'such program'} here; ${usage}`,
    );
  const version = values.version ?? JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
  return { ...values, engine, version };
}

function nameOf(image, { version }) {
  return `mstunnel-${image}:${version}`;
}

/** Puts together what the container files copy. */
function collect(context, engineFile, version) {
  cpSync(join(root, 'deploy/containers'), context, { recursive: true });
  mkdirSync(join(context, 'bin'));
  copyNode(join(context, 'bin/node'));
  copyFileSync(engineFile, join(context, 'bin/culvert-engine'));
  for (const app of apps) {
    const file = join(context, 'apps', `${app}.mjs`);
    run(node, [join(root, 'scripts/bundle.mjs'), `apps/${app}/src/main.ts`, file, 'esm', version]);
  }
}

/** Without its symbols, which are a fifth of it and only of use to debuggers. */
function copyNode(file) {
  copyFileSync(join(root, 'node_modules/node/bin/node'), file);
  chmodSync(file, 0o755);
  if (!hasProgram('strip'))
    return say('strip (Debian package binutils) is missing: the images are 30 MB larger');
  run('strip', [file]);
  run(file, ['--version'], { remedy: 'Node does not run without its symbols; remove strip and build again' });
}

function build(image, context, options) {
  const { engine, base, version } = options;
  say(`building ${nameOf(image, options)} with ${engine}`);
  run(engine, [
    'build',
    // The format of OCI has no health checks.
    ...(engine === 'podman' ? ['--format', 'docker'] : []),
    ...(base === undefined ? [] : ['--build-arg', `BASE=${base}`]),
    ...['--build-arg', `VERSION=${version}`, '--tag', nameOf(image, options)],
    ...['--file', join(context, image, 'Containerfile'), context],
  ]);
}

/** Under the names that Docker gives them, so that both engines find them by the same names afterwards. */
function save(options) {
  const { engine } = options;
  const file = resolve(options.archive);
  rmSync(file, { force: true });
  const names = images.map((image) => nameOf(image, options));
  if (engine === 'docker') return run('docker', ['save', '--output', file, ...names]);
  const full = names.map((name) => `docker.io/library/${name}`);
  for (const [index, name] of names.entries()) run('podman', ['tag', `localhost/${name}`, full[index]]);
  run('podman', ['save', '--multi-image-archive', '--format', 'docker-archive', '--output', file, ...full]);
  for (const name of full) run('podman', ['untag', name, name], { output: 'ignore' });
}
