import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { runProgram } from '../administration/program.ts';

export const main = join(import.meta.dirname, '../main.ts');
/** Milliseconds after which an answer counts as lost. */
const answerTimeout = 20_000;

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at answers without a type on purpose.
  body: any;
}

/** A control plane in a process of its own, started as an administrator starts it, and spoken to over HTTPS. */
export class ControlPlaneProcess {
  readonly directory: string;
  readonly configurationFile: string;
  readonly #port: number;
  readonly agentPort: number;
  #token = '';
  #child: ChildProcess | undefined;
  #agent: Agent | undefined;
  readonly #wrapper: readonly string[];
  /** What it wrote to standard output and standard error since the last start. */
  output = '';

  private constructor(
    directory: string,
    { port, agentPort }: { port: number; agentPort: number },
    database: string,
    wrapper: readonly string[],
  ) {
    this.directory = directory;
    this.#port = port;
    this.agentPort = agentPort;
    this.#wrapper = wrapper;
    this.configurationFile = join(directory, `${port}.json`);
    const configuration = {
      listen: { address: '127.0.0.1', port },
      publicUrl: `https://localhost:${port}`,
      database,
      agents: { listen: { port: agentPort } },
      stateDirectory: 'state',
    };
    writeFileSync(this.configurationFile, JSON.stringify(configuration));
  }

  /** Prepares one; `start` starts it, by the `wrapper` if there is one. Replicas share the key and the token of `sibling`. */
  static async prepare(
    database: string,
    { sibling, wrapper = [] }: { sibling?: ControlPlaneProcess; wrapper?: readonly string[] } = {},
  ): Promise<ControlPlaneProcess> {
    const directory = sibling?.directory ?? mkdtempSync(join(tmpdir(), 'culvert-process-'));
    const [port = 0, agentPort = 0] = await freePorts(2);
    const made = new ControlPlaneProcess(directory, { port, agentPort }, database, wrapper);
    if (sibling !== undefined) made.#token = sibling.#token;
    return made;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when it answers. Rejects with what it wrote when it ends instead. */
  async start(): Promise<void> {
    const child = this.launch();
    const ended = once(child, 'exit').then(([status]) => {
      throw new Error(`the control plane ended with status ${status}: ${this.output}`);
    });
    const answers = new Promise<void>((resolve) => {
      child.stdout?.on('data', () => {
        if (this.output.includes('Culvert control plane')) resolve();
      });
    });
    await Promise.race([answers, ended]);
    ended.catch(() => {});
    const ca = readFileSync(join(this.directory, 'state/tls/authority.crt'));
    this.#agent = new Agent({ keepAlive: true, ca });
  }

  /** Starts it without waiting for anything. */
  launch(): ChildProcess {
    this.output = '';
    const [program = process.execPath, ...parameters] = [
      ...this.#wrapper,
      process.execPath,
      main,
      '--config',
      this.configurationFile,
    ];
    const child = spawn(program, parameters, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (bytes: Buffer) => {
        this.output += bytes.toString();
      });
    }
    this.#child = child;
    return child;
  }

  /** Ends it and resolves to its exit status, which is null when it was killed. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const child = this.#child;
    this.#agent?.destroy();
    if (child === undefined || child.exitCode !== null || child.signalCode !== null)
      return child?.exitCode ?? null;
    const ended = once(child, 'exit');
    child.kill(signal);
    const [status] = await ended;
    return status as number | null;
  }

  /** Ends it and removes what it made. */
  async remove(): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** True while the process has not ended. */
  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Makes an administrator's token with the command line; requests carry it from then on. */
  async useToken(): Promise<void> {
    const lines: string[] = [];
    const parameters = [
      'token',
      '--config',
      this.configurationFile,
      '--name',
      'test',
      '--role',
      'administrator',
    ];
    const status = await runProgram(parameters, {
      print: (line) => lines.push(line),
      complain: (line) => lines.push(line),
    });
    if (status !== 0) throw new Error(lines.join('\n'));
    this.#token = lines[0] ?? '';
  }

  async request(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const sent = request({
      agent: this.#agent,
      host: 'localhost',
      port: this.#port,
      family: 4,
      method,
      path: path.replaceAll(' ', '%20'),
      timeout: answerTimeout,
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${answerTimeout} ms`)));
    sent.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = await once(sent, 'response');
    const content = await text(response);
    return {
      status: response.statusCode,
      headers: response.headers,
      body: content === '' ? undefined : JSON.parse(content),
    };
  }
}

/** Ports that are free at this moment, all of them different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
