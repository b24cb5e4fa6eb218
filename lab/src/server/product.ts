import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Namespace } from '../network/namespace.ts';
import { gatewayName } from '../network/network.ts';
import type { Background, Ending } from '../system/background.ts';
import type { MonitorView } from './monitored-host.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const node = join(repository, 'node_modules/.bin/node');
const controlPlane = 'https://localhost:8443';

/** What `npm start` runs, in a namespace: the control plane, and a server of its site "Default" with its monitor. */
export class Product {
  readonly directory: string;
  readonly process: Background;
  readonly #host: Namespace;

  /** Starts it and waits for nothing. */
  constructor(host: Namespace, directory: string) {
    this.#host = host;
    this.directory = directory;
    this.process = host.start([
      node,
      join(repository, 'scripts/start.mjs'),
      ...['--directory', directory, '--public-address', gatewayName],
    ]);
  }

  /** Starts it and waits until devices can connect. */
  static async start(host: Namespace, directory: string): Promise<Product> {
    const product = new Product(host, directory);
    await product.process.waitFor(/devices can connect/, 60_000);
    return product;
  }

  get authorityFile(): string {
    return join(this.directory, 'tls/authority.crt');
  }

  /** A value of what it prints at its start, such as `Password`; the first is the gateway's, the second the control plane's. */
  shown(label: string): string[] {
    return [...this.process.output.matchAll(new RegExp(`^  ${label} +(.+)$`, 'gm'))].map(
      ([, value = '']) => value,
    );
  }

  /** Text of a new API token, made as an administrator does. */
  async token(role: string): Promise<string> {
    const { stdout } = await this.#host.run([
      ...[node, join(repository, 'apps/control-plane/src/main.ts'), 'token'],
      ...['--config', join(this.directory, 'control-plane.json'), '--name', 'lab', '--role', role],
    ]);
    return stdout.trim();
  }

  /** One request to the control plane with curl; resolves to the JSON of the answer, whatever its status. */
  async request(token: string, method: string, path: string, body?: unknown): Promise<Answer> {
    const { stdout } = await this.#host.run([
      ...['curl', '--silent', '--show-error', '--max-time', '10', '--request', method],
      ...['--cacert', join(this.directory, 'control-plane/tls/authority.crt')],
      ...['--header', `authorization: Bearer ${token}`, '--header', 'content-type: application/json'],
      ...(body === undefined ? [] : ['--data', JSON.stringify(body)]),
      ...['--write-out', '\n%{http_code}', `${controlPlane}${path}`],
    ]);
    const end = stdout.lastIndexOf('\n');
    const text = stdout.slice(0, end);
    return { status: Number(stdout.slice(end + 1)), body: text === '' ? {} : JSON.parse(text) };
  }

  /** What its monitor tells. */
  async monitor(): Promise<MonitorView> {
    const socket = join(this.directory, 'run/monitor.sock');
    const { stdout } = await this.#host.run([
      ...['curl', '--silent', '--show-error', '--max-time', '10', '--unix-socket', socket],
      'http://monitor/status',
    ]);
    return JSON.parse(stdout) as MonitorView;
  }

  /** Kills one of its processes without a warning; the monitor is of `host-tools`. */
  async kill(which: 'control-plane' | 'host-tools' | 'gateway' | 'agent'): Promise<void> {
    await this.#host.run(['pkill', '-KILL', '-f', `apps/${which}/src/main.ts .*${this.directory}`]);
  }

  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ending> {
    return this.process.stop(signal, 20_000);
  }
}

export interface Answer {
  status: number;
  body: Readonly<Record<string, unknown>>;
}
