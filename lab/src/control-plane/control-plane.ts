import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Background } from '../system/background.ts';
import { execute } from '../system/command.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const node = join(repository, 'node_modules/.bin/node');
const mainFile = join(repository, 'apps/control-plane/src/main.ts');
const startTimeout = 30_000;

/** How to speak to a control plane. */
export interface Access {
  host: string;
  port: number;
  /** File and text (PEM) of the authority of its certificate. */
  authorityFile: string;
  authority: string;
  /** Of an administrator. */
  token: string;
}

interface Place {
  directory: string;
  configuration: string;
  port: number;
  agentPort: number;
  flags: readonly string[];
}

/** A control plane in a process of its own, with a fresh state directory, as a user would start it. */
export class ControlPlane {
  readonly #place: Place;
  #background: Background;
  /** From the start of the process until `/readyz` answered. */
  startMilliseconds: number;

  private constructor(place: Place, { background, milliseconds }: Launched) {
    this.#place = place;
    this.#background = background;
    this.startMilliseconds = milliseconds;
  }

  /** Without a URL it keeps its data in SQLite. `flags` are for Node. */
  static async start(database?: string, flags: readonly string[] = []): Promise<ControlPlane> {
    const directory = await mkdtemp(join(tmpdir(), 'culvert-bench-'));
    const [port, agentPort] = [await freePort(), await freePort()];
    const configuration = join(directory, 'control-plane.json');
    const settings = {
      listen: { address: '127.0.0.1', port },
      publicUrl: `https://localhost:${port}`,
      agents: {
        listen: { address: '127.0.0.1', port: agentPort },
        url: `https://localhost:${agentPort}`,
      },
      database: database ?? 'sqlite:control.db',
      stateDirectory: 'state',
    };
    await writeFile(configuration, JSON.stringify(settings));
    const place = { directory, configuration, port, agentPort, flags };
    return new ControlPlane(place, await launch(place));
  }

  get pid(): number {
    return this.#background.pid;
  }

  /** How to speak to it, with a token of an administrator. */
  async access(): Promise<Access> {
    const authorityFile = authorityOf(this.#place.directory);
    const { stdout } = await execute([
      ...[node, mainFile, 'token', '--config', this.#place.configuration],
      ...['--name', 'lab', '--role', 'administrator', '--json'],
    ]);
    return {
      host: 'localhost',
      port: this.#place.port,
      authorityFile,
      authority: await readFile(authorityFile, 'utf8'),
      token: JSON.parse(stdout).token,
    };
  }

  /** Everything that its latest process printed. */
  get output(): string {
    return this.#background.output;
  }

  get running(): boolean {
    return this.#background.running;
  }

  /** Ends the process; its data stays. */
  async halt(): Promise<void> {
    await this.#background.stop();
  }

  /** Starts it again on the same data. */
  async resume(): Promise<void> {
    const { background, milliseconds } = await launch(this.#place);
    this.#background = background;
    this.startMilliseconds = milliseconds;
  }

  async stop(): Promise<void> {
    await this.halt();
    await rm(this.#place.directory, { recursive: true, force: true });
  }
}

interface Launched {
  background: Background;
  milliseconds: number;
}

async function launch({ directory, configuration, port, flags }: Place): Promise<Launched> {
  const began = performance.now();
  const background = new Background([node, ...flags, mainFile, '--config', configuration]);
  while (!(await isReady(port, authorityOf(directory)))) {
    if (!background.running || performance.now() - began > startTimeout)
      throw new Error(`the control plane did not start:\n${background.output}`);
    await sleep(10);
  }
  return { background, milliseconds: performance.now() - began };
}

function authorityOf(directory: string): string {
  return join(directory, 'state', 'tls', 'authority.crt');
}

/** True when `/readyz` says so. */
async function isReady(port: number, authorityFile: string): Promise<boolean> {
  const ca = await readFile(authorityFile).catch(() => undefined);
  if (ca === undefined) return false;
  return new Promise((resolve) => {
    const asked = request({ port, host: 'localhost', path: '/readyz', ca, agent: false });
    asked.on('response', (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on('error', () => resolve(false));
    asked.end();
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
