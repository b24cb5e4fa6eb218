// Runs one of the programs of this repository with the pinned Node, after installing and building what it needs.
// Standard output belongs to the program, so that `--json` stays clean.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import {
  ensureEngine,
  ensureLab,
  ensureNodePackages,
  ensurePostgresql,
  ensurePrograms,
  main,
  node,
  root,
  SetupError,
} from './setup.mjs';

/** Without root the gateway itself says that it needs it. */
const prepareGateway = () => {
  if (process.getuid?.() === 0) ensurePrograms({ nft: 'nftables', ip: 'iproute2' });
};

const programs = {
  gateway: { file: 'apps/gateway/src/main.ts', prepare: prepareGateway },
  agent: { file: 'apps/agent/src/main.ts' },
  monitor: { file: 'apps/host-tools/src/main.ts', words: ['mstunnel_monitor'], prepare: prepareGateway },
  'control-plane': { file: 'apps/control-plane/src/main.ts' },
  demo: { file: 'lab/src/demo.ts', prepare: ensureLab },
  bench: { file: 'bench/src/main.ts', prepare: ensureBench },
};

function ensureBench() {
  ensureLab();
  ensurePostgresql();
}

main(() => {
  const [name, ...parameters] = process.argv.slice(2);
  const program = programs[name];
  if (program === undefined)
    throw new SetupError(`usage: node scripts/run.mjs ${Object.keys(programs).join('|')}`);
  ensureNodePackages();
  // Help and the commands that only talk to a running process need no engine and no root.
  const serves =
    !['gateway', 'monitor'].includes(name) ||
    parameters.length === 0 ||
    parameters[0].startsWith('--config') ||
    parameters[0] === 'run';
  if (serves && program.prepare !== undefined) {
    program.prepare();
    ensureEngine();
  }
  const child = spawn(node, [join(root, program.file), ...(program.words ?? []), ...parameters], {
    stdio: 'inherit',
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (status, signal) => {
    process.exitCode = status ?? (signal === null ? 1 : 128);
  });
});
