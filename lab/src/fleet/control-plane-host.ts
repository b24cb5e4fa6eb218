import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Namespace } from '../network/namespace.ts';
import type { Background } from '../system/background.ts';
import { makeDirectory } from '../system/run.ts';
import { eventually } from '../system/wait.ts';
import { underClock } from './clock.ts';
import { controlPlaneName } from './fleet-network.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const node = join(repository, 'node_modules/.bin/node');
const mainFile = join(repository, 'apps/control-plane/src/main.ts');

export const apiPort = 8443;
export const agentPort = 8444;

/** An object of the API; tests look at single fields. */
export type Entry = Readonly<Record<string, unknown>>;

export interface Answer {
  status: number;
  body: Entry;
}

/** The control plane of a fleet, in a namespace of its own, with its data in SQLite. */
export class ControlPlaneHost {
  readonly name = 'control plane';
  readonly namespace: Namespace;
  readonly directory: string;
  readonly #earlier: string[] = [];
  #process: Background | undefined;
  #token = '';

  constructor(namespace: Namespace) {
    this.namespace = namespace;
    this.directory = makeDirectory('control-plane');
    const settings = {
      listen: { address: '0.0.0.0', port: apiPort },
      publicUrl: `https://${controlPlaneName}:${apiPort}`,
      agents: { listen: { port: agentPort } },
      stateDirectory: 'state',
    };
    writeFileSync(this.#configuration, JSON.stringify(settings));
  }

  /** Starts it and waits until it is ready; `clock` is what `faketime` takes, such as `+80 days`. */
  async start(clock?: string): Promise<void> {
    if (this.#process !== undefined) this.#earlier.push(this.#process.output);
    const shift = underClock(clock);
    const started = this.namespace.start([...shift, node, mainFile, '--config', this.#configuration]);
    this.#process = started;
    await eventually(
      'the control plane is ready',
      async () => {
        if (!started.running) throw new Error(`the control plane ended:\n${started.output}`);
        return (await this.request('GET', '/readyz')).status === 200;
      },
      60_000,
      200,
    );
    // A token ends after a time that a moved clock may be past.
    this.#token = await this.#createToken(shift);
  }

  /** Everything that it has printed, the newest last. */
  get output(): string {
    return [...this.#earlier, this.#process?.output ?? ''].join('\n');
  }

  /** One request to its API; resolves to the JSON of the answer, whatever its status. It comes from its own host. */
  async request(method: string, path: string, body?: unknown): Promise<Answer> {
    const { text, status } = await this.#curl(method, path, body);
    return { status, body: text === '' ? {} : JSON.parse(text) };
  }

  /** A request that must succeed. */
  async ask(method: string, path: string, body?: unknown): Promise<Entry> {
    const answer = await this.request(method, path, body);
    if (answer.status >= 300) {
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer.body;
  }

  /** Saves the bytes of an answer in a file. */
  async download(path: string, file: string): Promise<void> {
    await this.namespace.run([...this.#parameters(), '--fail', '--output', file, this.#url(path)]);
  }

  /** Cuts it off from the servers, and brings it back. */
  async setReachable(isReachable: boolean): Promise<void> {
    await this.namespace.ip(`link set e0 ${isReachable ? 'up' : 'down'}`);
  }

  async kill(): Promise<void> {
    await this.#process?.stop('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
  }

  /** Text of an API token, made as an administrator does on the host. */
  async #createToken(shift: readonly string[]): Promise<string> {
    const { stdout } = await this.namespace.run([
      ...[...shift, node, mainFile, 'token', '--config', this.#configuration],
      ...['--name', `lab ${process.hrtime.bigint()}`, '--role', 'administrator'],
    ]);
    return stdout.trim();
  }

  get #configuration(): string {
    return join(this.directory, 'control-plane.json');
  }

  #url(path: string): string {
    return `https://${controlPlaneName}:${apiPort}${path}`;
  }

  #parameters(): string[] {
    return [
      ...['curl', '--silent', '--show-error', '--max-time', '20'],
      ...['--cacert', join(this.directory, 'state/tls/authority.crt')],
      ...(this.#token === '' ? [] : ['--header', `authorization: Bearer ${this.#token}`]),
    ];
  }

  async #curl(method: string, path: string, body: unknown): Promise<{ status: number; text: string }> {
    const { stdout } = await this.namespace.run([
      ...[...this.#parameters(), '--request', method],
      ...(body === undefined
        ? []
        : ['--header', 'content-type: application/json', '--data', JSON.stringify(body)]),
      ...['--write-out', '\n%{http_code}', this.#url(path)],
    ]);
    const end = stdout.lastIndexOf('\n');
    return { text: stdout.slice(0, end), status: Number(stdout.slice(end + 1)) };
  }
}
