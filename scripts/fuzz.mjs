// Runs the fuzz targets of the engine's parsers, one after the other:
//
//   npm run fuzz                               60 seconds for each
//   npm run fuzz -- --seconds 600              longer
//   npm run fuzz -- --target proxy_header      one of them
//
// Needs cargo-fuzz, which it does not install. The stable compiler is enough, because no sanitizer is used: the crates
// forbid unsafe code, so what there is to find are panics and broken invariants.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { hasProgram, main, root, run, SetupError, say } from './setup.mjs';

const usage = 'usage: npm run fuzz [-- [--seconds N] [--target NAME]]';
const fuzz = join(root, 'engine', 'fuzz');
const options = ['--fuzz-dir', fuzz, '--sanitizer', 'none'];

/** More than a CSTP packet or a record of full length. Super-packets of 64 kB would only make each run slower. */
const longestInput = 20_000;
/** Seconds after which an input counts as a hang. */
const patience = 10;

function readParameters() {
  const names = readdirSync(join(fuzz, 'fuzz_targets'))
    .map((file) => file.replace(/\.rs$/, ''))
    .sort();
  let values;
  try {
    ({ values } = parseArgs({ options: { seconds: { type: 'string' }, target: { type: 'string' } } }));
  } catch (error) {
    throw new SetupError(`${error.message}. ${usage}`);
  }
  const { seconds = '60', target } = values;
  if (!/^[1-9]\d*$/.test(seconds)) throw new SetupError(`--seconds wants a positive number. ${usage}`);
  if (target !== undefined && !names.includes(target)) {
    throw new SetupError(`there is no target ${target}; the targets are: ${names.join(', ')}`);
  }
  return { seconds: Number(seconds), targets: target === undefined ? names : [target] };
}

function requireTools() {
  const missing = [];
  if (!hasProgram('cargo')) missing.push('cargo (install Rust 1.88 or later, for example with rustup)');
  if (!hasProgram('c++')) missing.push('a C++ compiler for libFuzzer (apt-get install build-essential)');
  // Asked of cargo, which finds it in its own folder even if that is not in the path.
  if (spawnSync('cargo', ['fuzz', '--version']).status !== 0) {
    missing.push('cargo-fuzz (cargo install --locked cargo-fuzz)');
  }
  if (missing.length > 0) throw new SetupError(`missing: ${missing.join('; ')}`);
}

/** Folders that exist, those that grow first: libFuzzer writes what it finds into the first. */
function corpora(target) {
  const grown = join(fuzz, 'corpus-grown', target);
  mkdirSync(grown, { recursive: true });
  const committed = [join(fuzz, 'corpus', target), join(fuzz, 'regressions', target)];
  return [grown, ...committed.filter((folder) => existsSync(folder))];
}

function fuzzOne(target, seconds) {
  say(`${target}: ${seconds} s`);
  const limits = [
    `-max_total_time=${seconds}`,
    `-max_len=${longestInput}`,
    `-timeout=${patience}`,
    '-print_final_stats=1',
  ];
  const { status, stderr, error } = spawnSync(
    'cargo',
    ['fuzz', 'run', ...options, target, ...corpora(target), '--', ...limits],
    { cwd: root, stdio: ['ignore', 2, 'pipe'], encoding: 'utf8', maxBuffer: 256 << 20 },
  );
  const number = (pattern) => Number([...stderr.matchAll(pattern)].at(-1)?.[1] ?? 0);
  const failed = status !== 0;
  if (failed) process.stderr.write(error === undefined ? stderr.slice(-8_000) : `${error.message}\n`);
  return {
    target,
    failed,
    input: stderr.match(/Test unit written to (\S+)/)?.[1],
    runs: number(/^stat::number_of_executed_units:\s*(\d+)/gm),
    coverage: number(/\bcov: (\d+)/g),
    inputs: number(/\bcorp: (\d+)/g),
  };
}

function show({ target, failed, runs, coverage, inputs }) {
  const numbers = `${runs} runs, ${coverage} edges, ${inputs} inputs`;
  console.log(`${failed ? 'FAILED' : 'ok    '} ${target.padEnd(20)} ${numbers}`);
}

function explain({ target, input }) {
  if (input === undefined) {
    console.log(`${target} ended without an input; see its output above`);
    return;
  }
  const regressions = relative(root, join(fuzz, 'regressions', target));
  console.log(`${target} failed with ${relative(root, input)}`);
  console.log(
    `  Keep it under a telling name in ${regressions}/, where cargo test replays it, and fix the code.`,
  );
}

main(() => {
  const { seconds, targets } = readParameters();
  requireTools();
  say('building the fuzz targets (a minute the first time)');
  run('cargo', ['fuzz', 'build', ...options]);
  const results = targets.map((target) => fuzzOne(target, seconds));
  results.forEach(show);
  const failures = results.filter(({ failed }) => failed);
  failures.forEach(explain);
  process.exitCode = failures.length === 0 ? 0 : 1;
});
