// `npm start`: installs what is missing, builds, and runs the product in the foreground.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import {
  ensureEngine,
  ensureNodePackages,
  ensurePrograms,
  main,
  missingForGateway,
  node,
  root,
  SetupError,
} from './setup.mjs';

main(() => {
  const missing = missingForGateway();
  if (missing !== undefined) throw new SetupError(missing);
  ensurePrograms({ nft: 'nftables', ip: 'iproute2' });
  ensureNodePackages();
  ensureEngine();
  const gateway = spawn(node, [join(root, 'apps/gateway/src/main.ts'), 'start', ...process.argv.slice(2)], {
    cwd: root,
    stdio: 'inherit',
  });
  // Ctrl-C reaches the gateway by itself; a signal from a supervisor reaches only this process.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => gateway.kill(signal));
  gateway.on('exit', (status, signal) => {
    process.exitCode = status ?? (signal === null ? 1 : 128);
  });
});
