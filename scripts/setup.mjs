// Brings a fresh machine to the point where the product can be built and run. Plain JavaScript without packages,
// because it runs on whatever Node the machine has, before anything is installed.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Node of the version that the project pins, once the npm packages are there. */
export const node = join(root, 'node_modules', '.bin', 'node');

const oldestNode = 20;

/** A set-up step that cannot be done here; the message says what to do. */
export class SetupError extends Error {}

/** Says what is going on; everything that may take long is announced. */
export function say(message) {
  process.stderr.write(`culvert: ${message}\n`);
}

/**
 * Runs a program with its output on our standard error, or on the descriptor `output`; throws a SetupError with `remedy`
 * when it fails.
 */
export function run(
  program,
  parameters,
  { remedy, environment = process.env, directory = root, output = 2 } = {},
) {
  const result = spawnSync(program, parameters, {
    cwd: directory,
    stdio: ['ignore', output, 2],
    env: environment,
  });
  if (result.error !== undefined || result.status !== 0) {
    const reason = result.error?.message ?? `it ended with status ${result.status ?? result.signal}`;
    throw new SetupError(
      `${program} ${parameters.join(' ')}: ${reason}${remedy === undefined ? '' : `. ${remedy}`}`,
    );
  }
}

/** True when a program of that name can be run. */
export function hasProgram(name) {
  const places = `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/local/sbin`.split(':');
  return places.some((place) => place !== '' && existsSync(join(place, name)));
}

/**
 * Installs Debian packages for programs that are missing. `needs` maps each program to its package. Without root, or
 * without apt, the missing ones are named together with the command that installs them.
 */
export function ensurePrograms(needs) {
  const missing = Object.entries(needs).filter(([program]) => !hasProgram(program));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(([, name]) => name))];
  installPackages(
    packages,
    missing.map(([program, name]) => `${program} (Debian package ${name})`).join(', '),
  );
}

function installPackages(packages, list) {
  const command = `apt-get install -y ${packages.join(' ')}`;
  if (process.getuid?.() !== 0 || !hasProgram('apt-get')) {
    throw new SetupError(`missing: ${list}. Install with: sudo ${command}`);
  }
  say(`installing Debian packages: ${packages.join(', ')}`);
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const quiet = ['-qq', '-o', 'Dpkg::Use-Pty=0'];
  run('apt-get', [...quiet, 'update'], { environment, remedy: 'Is a Debian mirror reachable?' });
  run('apt-get', [...quiet, 'install', '-y', '--no-install-recommends', ...packages], {
    environment,
    remedy: `Try by hand: ${command}`,
  });
}

/** Installs the npm packages, the pinned Node among them, when they are missing or older than the lock file. */
export function ensureNodePackages() {
  const [major] = process.versions.node.split('.').map(Number);
  if (major < oldestNode) {
    throw new SetupError(`Node ${process.versions.node} is too old; install Node ${oldestNode} or later`);
  }
  const marker = join(root, 'node_modules', '.package-lock.json');
  const lock = join(root, 'package-lock.json');
  const current =
    existsSync(marker) && statSync(marker).mtimeMs >= statSync(lock).mtimeMs && pinnedNodeRuns();
  if (current) return;
  say('installing npm packages and the pinned Node (a minute or two)');
  // Not `npm ci`: it insists on packages for other platforms, which a partial mirror of the registry does not have.
  run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
    remedy: 'Is the npm registry reachable?',
  });
  if (!pinnedNodeRuns()) {
    throw new SetupError(
      `the pinned Node did not get installed: ${node} does not run. Install scripts of the package "node" must be allowed`,
    );
  }
}

function pinnedNodeRuns() {
  const wanted = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).dependencies.node;
  try {
    return execFileSync(node, ['--version'], { encoding: 'utf8' }).trim() === `v${wanted}`;
  } catch {
    return false;
  }
}

/** Installs PostgreSQL for the tests of the control plane. Debian keeps its programs out of the path. */
export function ensurePostgresql() {
  if (existsSync('/usr/lib/postgresql')) return;
  ensurePrograms({ postgres: 'postgresql' });
}

/** Python that can make environments of its own, for the fuzzer of the API. Debian's comes without that. */
export function ensurePython() {
  if (spawnSync('python3', ['-c', 'import ensurepip, venv']).status === 0) return;
  installPackages(['python3-venv'], 'python3 with venv (Debian package python3-venv)');
}

/** What builds the engine, in the folder `engine`; a second time it only looks whether a source has changed. */
export const buildOfEngine = ['cargo', 'build', '--release', '--quiet', '--locked', '--package', 'engine'];

/** Compilers for the engine. */
export function ensureRust() {
  ensurePrograms({ cc: 'build-essential' });
  if (!hasProgram('cargo')) {
    throw new SetupError(
      'missing: cargo. Install Rust 1.88 or later with rustup; the cargo package of Debian 12 is too old',
    );
  }
}

/** Builds the engine and returns the path of its program. */
export function ensureEngine() {
  const engine = join(root, 'engine', 'target', 'release', 'culvert-engine');
  ensureRust();
  if (!existsSync(engine)) say('building the engine in Rust (two minutes the first time)');
  const [program, ...parameters] = buildOfEngine;
  run(program, parameters, {
    directory: join(root, 'engine'),
    remedy: 'The engine needs Rust 1.88 or later; see `cargo --version`',
  });
  return engine;
}

/**
 * Installs what the lab needs. Its set-up says in one line what is missing when it cannot, so that nothing is added
 * here, and nothing else is built before.
 */
export function ensureLab() {
  const { status } = spawnSync(node, [join(root, 'lab/src/setup.ts')], { stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}

/** Why a gateway cannot run here and how to change that, or undefined when it can. One line. */
export function missingForGateway() {
  if (process.platform !== 'linux') return 'The gateway runs on Linux only.';
  if (process.getuid?.() !== 0) {
    return 'The gateway must be started as root, because it creates a network interface: run `sudo npm start`.';
  }
  if (!existsSync('/dev/net/tun')) {
    return 'There is no /dev/net/tun: run `modprobe tun`, or start the container with `--device /dev/net/tun`.';
  }
  return undefined;
}

/** Runs the set-up of a command and shows a SetupError as one clear line. */
export function main(command) {
  const runIt = async () => {
    try {
      await command();
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      say(error.message);
      process.exitCode = 1;
    }
  };
  void runIt();
}
