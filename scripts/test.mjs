// `npm test`: sets up what the tests need and runs everything. Ends with one line that counts over all runners.
//   npm test                 everything, as CI runs it
//   npm test -- quick        without the end-to-end tests in the lab and the tests of what survives a kill

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ensureEngine,
  ensureLab,
  ensureNodePackages,
  ensurePostgresql,
  ensurePython,
  main,
  node,
  root,
  SetupError,
  say,
} from './setup.mjs';

const bin = (name) => join(root, 'node_modules', '.bin', name);
/** Programs of npm start with `#!/usr/bin/env node`; they must find the pinned Node first. */
const environment = { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH}` };
const engineDirectory = join(root, 'engine');
const reports = mkdtempSync(join(tmpdir(), 'culvert-test-'));

/** A step that either passes as a whole or fails as a whole. */
function check(name, program, parameters, directory = root) {
  say(name);
  const { status } = spawnSync(program, parameters, {
    cwd: directory,
    stdio: ['ignore', 1, 2],
    env: environment,
  });
  return status === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

function cargoTests() {
  say('Rust tests');
  const result = spawnSync('cargo', ['test', '--workspace', '--locked', '--quiet', '--no-fail-fast'], {
    cwd: engineDirectory,
    stdio: ['ignore', 'pipe', 2],
    encoding: 'utf8',
    maxBuffer: 256 << 20,
    env: environment,
  });
  process.stdout.write(result.stdout);
  const sums = [...result.stdout.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed/gm)];
  const passed = sums.reduce((sum, [, count]) => sum + Number(count), 0);
  const failed = sums.reduce((sum, [, , count]) => sum + Number(count), 0);
  // A workspace that does not compile prints no result at all.
  return { passed, failed: result.status === 0 || failed > 0 ? failed : 1 };
}

function vitest(name, parameters) {
  say(name);
  const report = join(reports, `${name.replaceAll(' ', '-')}.json`);
  const { status } = spawnSync(
    bin('vitest'),
    ['run', '--reporter=verbose', '--reporter=json', `--outputFile.json=${report}`, ...parameters],
    { cwd: root, stdio: ['ignore', 1, 2], env: environment },
  );
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numFailedTestSuites } = JSON.parse(
      readFileSync(report, 'utf8'),
    );
    // A skipped test would be a hole that nobody sees; a suite that does not load has no failed tests of its own.
    const failed = numFailedTests + numPendingTests;
    return {
      passed: numPassedTests,
      failed: failed === 0 && (status !== 0 || numFailedTestSuites > 0) ? 1 : failed,
    };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

/** Each operation of the OpenAPI document counts as a test. */
function apiFuzzing() {
  say('fuzzing of the API (a minute)');
  const report = join(reports, 'api-fuzz.xml');
  const { status } = spawnSync(node, [join(root, 'lab/src/api-fuzz/main.ts'), '--report', report], {
    cwd: root,
    stdio: ['ignore', 1, 2],
    env: environment,
  });
  const [head = ''] = existsSync(report)
    ? (readFileSync(report, 'utf8').match(/<testsuites [^>]*>/) ?? [])
    : [];
  const count = (name) => Number(head.match(new RegExp(`${name}="(\\d+)"`))?.[1] ?? 0);
  const failed = count('failures') + count('errors') + count('skipped');
  return { passed: count('tests') - failed, failed: failed === 0 && status !== 0 ? 1 : failed };
}

main(() => {
  const quick = process.argv[2] === 'quick';
  if (process.argv.length > 3 || (process.argv.length === 3 && !quick)) {
    throw new SetupError('usage: npm test [-- quick]');
  }
  ensureNodePackages();
  if (!quick) ensureLab();
  ensurePostgresql();
  ensurePython();
  ensureEngine();
  const steps = [
    () => check('format and lint', bin('biome'), ['ci', '.']),
    () => check('types', bin('tsc'), []),
    () => check('format of Rust', 'cargo', ['fmt', '--all', '--check'], engineDirectory),
    () =>
      check(
        'lint of Rust',
        'cargo',
        ['clippy', '--workspace', '--all-targets', '--locked', '--quiet', '--', '-D', 'warnings'],
        engineDirectory,
      ),
    // Hundreds of killed processes are nothing to wait for between two edits.
    () => vitest('unit and property tests', quick ? ['--exclude', '**/survival/**'] : []),
    apiFuzzing,
    cargoTests,
    ...(quick ? [] : [() => vitest('end to end in the lab', ['--config', 'lab/vitest.config.ts'])]),
  ];
  const results = steps.map((step) => step());
  rmSync(reports, { recursive: true, force: true });
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const failed = results.reduce((sum, result) => sum + result.failed, 0);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
});
