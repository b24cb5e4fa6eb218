// `npm start`: installs what is missing, builds, and runs the product in the foreground: the control plane, and beside it
// a gateway that gets its configuration from the site "Default".

import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  ensureEngine,
  ensureNodePackages,
  ensurePrograms,
  main,
  missingForGateway,
  node,
  root,
  run,
  SetupError,
  say,
} from './setup.mjs';

const gatewayProgram = join(root, 'apps/gateway/src/main.ts');
const controlPlaneProgram = join(root, 'apps/control-plane/src/main.ts');

const usage = `usage: npm start -- [options]
  --public-address ADDRESS   name or address that devices connect to (first start)
  --port NUMBER              port of the gateway for TCP and UDP (first start; 443)
  --directory DIRECTORY      where everything is kept (state, in the repository)
  --public-url URL           where browsers and tools reach the control plane (first start; https://localhost:8443)`;

function readParameters() {
  try {
    const { values } = parseArgs({
      options: {
        'public-address': { type: 'string' },
        port: { type: 'string' },
        'public-url': { type: 'string' },
        directory: { type: 'string', default: join(root, 'state') },
        help: { type: 'boolean', short: 'h' },
      },
    });
    return values;
  } catch (error) {
    throw new SetupError(`${error.message}\n${usage}`);
  }
}

const option = (name, value) => (value === undefined ? [] : [`--${name}`, value]);

/** Both processes. The gateway's end is the end of the product; a control plane that dies is started again. */
class Product {
  #state;
  #controlPlaneChoices;
  #controlPlane;
  #gateway;
  #isStopping = false;
  #restart;
  #wait = 1;

  constructor(state, controlPlaneChoices) {
    this.#state = state;
    this.#controlPlaneChoices = controlPlaneChoices;
  }

  start() {
    // Ctrl-C reaches both by itself; a signal from a supervisor reaches only this process.
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => this.#signal(signal));
    this.#startControlPlane();
  }

  #signal(signal) {
    if (signal === 'SIGHUP') {
      this.#gateway?.kill(signal);
      return;
    }
    this.#stop(signal);
    this.#gateway?.kill(signal);
  }

  #stop(signal) {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    this.#controlPlane?.kill(signal);
  }

  #startControlPlane() {
    const child = spawn(
      node,
      [controlPlaneProgram, 'start', '--directory', this.#state, ...this.#controlPlaneChoices],
      { cwd: root, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] },
    );
    this.#controlPlane = child;
    child.on('message', (message) => {
      if (message === 'ready') {
        this.#wait = 1;
        if (this.#gateway === undefined) this.#startGateway();
      }
      if (message === 'gatewayFileWritten') this.#gateway?.kill('SIGHUP');
    });
    child.on('exit', (status, signal) => this.#controlPlaneEnded(status, signal));
  }

  #controlPlaneEnded(status, signal) {
    this.#controlPlane = undefined;
    if (this.#isStopping) return;
    if (this.#gateway === undefined) {
      process.exitCode = status === 0 || status === null ? 1 : status;
      return;
    }
    say(
      `the control plane ended (${signal ?? `status ${status}`}); tunnels go on, it is started again in ${this.#wait} s`,
    );
    this.#restart = setTimeout(() => this.#startControlPlane(), this.#wait * 1000);
    this.#wait = Math.min(30, this.#wait * 2);
  }

  #startGateway() {
    const child = spawn(node, [gatewayProgram, 'run', '--config', join(this.#state, 'gateway.json')], {
      cwd: root,
      stdio: 'inherit',
    });
    this.#gateway = child;
    child.on('exit', (status, signal) => {
      process.exitCode = status ?? (signal === null ? 1 : 128);
      this.#stop('SIGTERM');
    });
  }
}

main(() => {
  const { help, port, directory, ...chosen } = readParameters();
  // npm runs scripts in the repository's root; a path that was typed is meant from where it was typed.
  const state = resolve(process.env.INIT_CWD ?? '.', directory);
  if (help) {
    console.log(usage);
    return;
  }
  const missing = missingForGateway();
  if (missing !== undefined) throw new SetupError(missing);
  ensurePrograms({ nft: 'nftables', ip: 'iproute2' });
  ensureNodePackages();
  ensureEngine();
  const gatewayChoices = [...option('public-address', chosen['public-address']), ...option('port', port)];
  run(node, [gatewayProgram, 'prepare', '--directory', state, ...gatewayChoices], {
    remedy: 'The line above says why',
    output: 1,
  });
  new Product(state, option('public-url', chosen['public-url'])).start();
});
