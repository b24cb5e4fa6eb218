// `npm test`: sets up what the tests need and runs everything. Ends with one line that counts over all runners.
//   npm test                 everything, as CI runs it
//   npm test -- quick        without the end-to-end tests in the lab and the tests of what survives a kill

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  buildOfEngine,
  ensureLab,
  ensureNodePackages,
  ensurePostgresql,
  ensurePython,
  ensureRust,
  main,
  node,
  root,
  SetupError,
} from './setup.mjs';
import { Lane } from './steps.mjs';

const bin = (name) => join(root, 'node_modules', '.bin', name);
const engineDirectory = join(root, 'engine');
const reports = mkdtempSync(join(tmpdir(), 'culvert-test-'));

/** A step that either passes as a whole or fails as a whole. */
const check =
  (name, [program, ...parameters], directory = root) =>
  async (lane) => {
    const { status } = await lane.run(name, program, parameters, directory);
    return status === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
  };

/** Not a test, so a build that succeeds counts for nothing. */
async function engineBuild(lane) {
  const [program, ...parameters] = buildOfEngine;
  const { status } = await lane.run('build of the engine', program, parameters, engineDirectory);
  return { passed: 0, failed: status === 0 ? 0 : 1 };
}

async function cargoTests(lane) {
  const parameters = ['test', '--workspace', '--locked', '--quiet', '--no-fail-fast'];
  const { status, output } = await lane.run('Rust tests', 'cargo', parameters, engineDirectory);
  const sums = [...output.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed/gm)];
  const passed = sums.reduce((sum, [, count]) => sum + Number(count), 0);
  const failed = sums.reduce((sum, [, , count]) => sum + Number(count), 0);
  // A workspace that does not compile prints no result at all.
  return { passed, failed: status === 0 || failed > 0 ? failed : 1 };
}

const vitest = (name, parameters) => async (lane) => {
  const report = join(reports, `${name.replaceAll(' ', '-')}.json`);
  const reporters = ['--reporter=verbose', '--reporter=json', `--outputFile.json=${report}`];
  const { status } = await lane.run(name, bin('vitest'), ['run', ...reporters, ...parameters]);
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
};

/** Each operation of the OpenAPI document counts as a test. */
async function apiFuzzing(lane) {
  const report = join(reports, 'api-fuzz.xml');
  const parameters = [join(root, 'lab/src/api-fuzz/main.ts'), '--report', report];
  const { status } = await lane.run('fuzzing of the API (a minute)', node, parameters);
  const [head = ''] = existsSync(report)
    ? (readFileSync(report, 'utf8').match(/<testsuites [^>]*>/) ?? [])
    : [];
  const count = (name) => Number(head.match(new RegExp(`${name}="(\\d+)"`))?.[1] ?? 0);
  const failed = count('failures') + count('errors') + count('skipped');
  return { passed: count('tests') - failed, failed: failed === 0 && status !== 0 ? 1 : failed };
}

/** Runs steps one after the other; resolves to their results. */
async function runSteps(lane, steps, afterEach = () => {}) {
  const results = [];
  for (const step of steps) {
    results.push(await step(lane));
    afterEach();
  }
  return results;
}

main(async () => {
  const quick = process.argv[2] === 'quick';
  if (process.argv.length > 3 || (process.argv.length === 3 && !quick)) {
    throw new SetupError('usage: npm test [-- quick]');
  }
  ensureNodePackages();
  if (!quick) ensureLab();
  ensurePostgresql();
  ensurePython();
  ensureRust();
  const front = new Lane({ isInFront: true });
  const behind = new Lane({ isInFront: false });
  // The compiler links on one core for minutes, and the unit tests wait for the disk and for each other: neither measures time.
  const ofRust = runSteps(behind, [
    engineBuild,
    check('format of Rust', ['cargo', 'fmt', '--all', '--check'], engineDirectory),
    check(
      'lint of Rust',
      'cargo clippy --workspace --all-targets --locked --quiet -- -D warnings'.split(' '),
      engineDirectory,
    ),
    cargoTests,
  ]);
  const ofNode = runSteps(
    front,
    [
      check('format and lint', [bin('biome'), 'ci', '.']),
      check('types', [bin('tsc')]),
      // Hundreds of killed processes are nothing to wait for between two edits.
      vitest('unit and property tests', quick ? ['--exclude', '**/survival/**'] : []),
      apiFuzzing,
    ],
    () => behind.show(),
  );
  const results = (await Promise.all([ofNode, ofRust])).flat();
  behind.show();
  // They measure time, so nothing runs beside them.
  if (!quick)
    results.push(await vitest('end to end in the lab', ['--config', 'lab/vitest.config.ts'])(front));
  rmSync(reports, { recursive: true, force: true });
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const failed = results.reduce((sum, result) => sum + result.failed, 0);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
});
