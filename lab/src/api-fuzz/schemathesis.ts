import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const environment = join(repository, 'node_modules/.cache/schemathesis');
const requirements = join(import.meta.dirname, 'requirements.txt');

/** The program, in a Python environment of its own with exactly the packages of `requirements.txt`. */
export function ensureSchemathesis(): string {
  const program = join(environment, 'bin/schemathesis');
  const installed = join(environment, 'requirements.txt');
  const wanted = readFileSync(requirements, 'utf8');
  if (existsSync(installed) && readFileSync(installed, 'utf8') === wanted) return program;
  console.error('culvert: installing Schemathesis for the fuzzing of the API');
  mkdirSync(environment, { recursive: true });
  run('python3', ['-m', 'venv', '--clear', environment]);
  run(join(environment, 'bin/pip'), [
    ...['install', '--quiet', '--disable-pip-version-check', '--no-input'],
    ...['--requirement', requirements],
  ]);
  // Last, so that a broken installation is made again.
  writeFileSync(installed, wanted);
  return program;
}

function run(program: string, parameters: readonly string[]): void {
  const { status, error } = spawnSync(program, parameters, { stdio: ['ignore', 2, 2] });
  if (status !== 0) {
    throw new Error(
      `${program} ${parameters.join(' ')}: ${error?.message ?? `it ended with status ${status}`}`,
    );
  }
}
