// `npm start`: installs what is missing, builds, and runs the product in the foreground: the control plane, and beside it
// the monitor of this host, which keeps the gateway and the agent of the site "Default" running.

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
const hostToolsProgram = join(root, 'apps/host-tools/src/main.ts');

/** A monitor that ran for this long had started well. */
const steadyMilliseconds = 60_000;

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

/**
 * Both processes, each started again when it ends by itself. Neither is needed by tunnels: those go on in the engine, and the
 * monitor finds gateway and agent again.
 */
class Product {
  #state;
  #controlPlaneChoices;
  #controlPlane;
  #monitor;
  #isStopping = false;
  #monitorHasStarted = false;
  #restarts = { controlPlane: new Restart(), monitor: new Restart() };

  constructor(state, controlPlaneChoices) {
    this.#state = state;
    this.#controlPlaneChoices = controlPlaneChoices;
  }

  start() {
    // Ctrl-C reaches both by itself; a signal from a supervisor reaches only this process.
    for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => this.#stop());
    process.on('SIGHUP', () => this.#monitor?.kill('SIGHUP'));
    this.#startControlPlane();
  }

  /** The monitor first: it ends agent and gateway in order, and the agent may still tell the control plane. */
  #stop() {
    if (this.#isStopping) return;
    this.#isStopping = true;
    for (const restart of Object.values(this.#restarts)) restart.cancel();
    if (this.#monitor !== undefined) {
      this.#monitor.kill('SIGTERM');
      return;
    }
    // It was just then waiting to be started again.
    if (this.#monitorHasStarted)
      run(node, [hostToolsProgram, 'mstunnel_monitor', 'stop', '--directory', this.#state]);
    this.#controlPlane?.kill('SIGTERM');
  }

  #startControlPlane() {
    const child = spawn(
      node,
      [
        // See apps/control-plane/src/administration/memory-settings.ts.
        '--max-semi-space-size=32',
        ...[controlPlaneProgram, 'start', '--directory', this.#state, ...this.#controlPlaneChoices],
      ],
      { cwd: root, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] },
    );
    this.#controlPlane = child;
    child.on('message', (message) => {
      if (this.#isStopping || message !== 'ready') return;
      this.#restarts.controlPlane.succeeded();
      if (!this.#monitorHasStarted) this.#startMonitor();
    });
    child.on('exit', (status, signal) => this.#controlPlaneEnded(status, signal));
  }

  #controlPlaneEnded(status, signal) {
    this.#controlPlane = undefined;
    if (this.#isStopping) return;
    if (!this.#monitorHasStarted) {
      process.exitCode = status === 0 || status === null ? 1 : status;
      return;
    }
    const seconds = this.#restarts.controlPlane.schedule(() => this.#startControlPlane());
    say(
      `the control plane ended (${signal ?? `status ${status}`}); tunnels go on, it is started again in ${seconds} s`,
    );
  }

  #startMonitor() {
    this.#monitorHasStarted = true;
    const startedAt = Date.now();
    // Until the monitor listens for it, a request to read the configuration again must not end it.
    const parameters = [node, hostToolsProgram, 'mstunnel_monitor', 'run', '--directory', this.#state];
    const child = spawn('sh', ['-c', 'trap "" HUP; exec "$@"', 'sh', ...parameters], {
      cwd: root,
      // The channel tells it when this process is gone.
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    });
    this.#monitor = child;
    child.on('exit', (status, signal) => {
      this.#monitor = undefined;
      if (this.#isStopping) {
        process.exitCode = status ?? (signal === null ? 1 : 128);
        this.#controlPlane?.kill('SIGTERM');
        return;
      }
      if (Date.now() - startedAt > steadyMilliseconds) this.#restarts.monitor.succeeded();
      const seconds = this.#restarts.monitor.schedule(() => this.#startMonitor());
      say(
        `the monitor ended (${signal ?? `status ${status}`}); tunnels go on, it is started again in ${seconds} s`,
      );
    });
  }
}

/** When to start a process again: later each time, until it has run well. */
class Restart {
  #seconds = 1;
  #timer;

  succeeded() {
    this.#seconds = 1;
  }

  schedule(start) {
    const seconds = this.#seconds;
    this.#seconds = Math.min(30, seconds * 2);
    this.#timer = setTimeout(start, seconds * 1000);
    return seconds;
  }

  cancel() {
    clearTimeout(this.#timer);
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
