import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gatewayAddress, gatewayName, type Network } from '../network/network.ts';
import type { Background, Ending } from '../system/background.ts';
import type { CommandResult } from '../system/command.ts';
import { findProcesses } from '../system/process-tree.ts';
import { makeDirectory } from '../system/run.ts';
import { eventually } from '../system/wait.ts';
import { Authority } from './certificates.ts';
import { writeAccounts } from './culvert.ts';
import { serverSettings } from './server.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const node = join(repository, 'node_modules/.bin/node');

interface Answer {
  status: number;
  body: Readonly<Record<string, unknown>>;
}

/** What the tests read of the monitor's status. */
export interface MonitorView {
  version: string;
  available: string[];
  processes: Record<
    'server' | 'agent',
    { state: string; processId?: number; endings: number; lastEnding?: string }
  >;
  upgrade?: { version: string; state: string; reason?: string };
}

/** A host with a monitor, in the gateway namespace; its releases are made with `makeRelease`. */
export class MonitoredHost {
  readonly directory = makeDirectory('host');
  readonly releases = makeDirectory('releases');
  readonly authority: Authority;
  readonly #network: Network;
  readonly #output: string[] = [];
  #monitor: Background | undefined;

  private constructor(network: Network, authority: Authority) {
    this.#network = network;
    this.authority = authority;
  }

  /** Writes configuration and accounts and starts nothing. */
  static async prepare(network: Network): Promise<MonitoredHost> {
    const host = new MonitoredHost(network, await Authority.create());
    const certificate = await host.authority.issueSite();
    const { server, accounts } = serverSettings({});
    const accountsFile = join(host.directory, 'users');
    await writeAccounts(accountsFile, accounts);
    const document = {
      publicAddress: gatewayName,
      serverConfiguration: server,
      tls: { certificateFile: certificate.chainFile, privateKeyFile: certificate.privateKeyFile },
      authentication: [{ kind: 'passwordFile', file: accountsFile }],
      stateDirectory: '.',
    };
    writeFileSync(join(host.directory, 'gateway.json'), JSON.stringify(document), { mode: 0o600 });
    return host;
  }

  /** Starts a monitor and waits until its gateway serves devices. */
  async start(): Promise<void> {
    if (this.#monitor !== undefined) this.#output.push(this.#monitor.output);
    this.#monitor = this.#network.gateway.start([
      ...[node, join(repository, 'apps/host-tools/src/main.ts'), 'mstunnel_monitor', 'run'],
      ...['--directory', this.directory, '--releases', this.releases],
      ...['--settle-seconds', '2', '--agent-seconds', '5', '--patience-seconds', '4'],
    ]);
    await this.untilServing();
  }

  /** Waits until gateway and monitor answer, and devices that come get an answer. */
  async untilServing(): Promise<void> {
    await eventually(
      'the gateway serves devices',
      async () => {
        await this.gateway('/status');
        await this.status();
        const url = `https://${gatewayName}/`;
        const probe = ['curl', '--silent', '--insecure', '--max-time', '3', '--output', '/dev/null'];
        const resolved = ['--resolve', `${gatewayName}:443:${gatewayAddress}`];
        return (await this.#network.gateway.attempt([...probe, ...resolved, url])).code === 0;
      },
      30_000,
    );
  }

  get output(): string {
    return [...this.#output, this.#monitor?.output ?? ''].join('\n');
  }

  /** One request to the gateway. */
  gateway(path: string): Promise<Answer> {
    return this.#request('admin.sock', 'GET', path);
  }

  async status(): Promise<MonitorView> {
    return (await this.#request('monitor.sock', 'GET', '/status')).body as unknown as MonitorView;
  }

  /** A request that changes something. */
  post(path: string, body: unknown): Promise<Answer> {
    return this.#request('monitor.sock', 'POST', path, body);
  }

  /** Ids of the processes that the monitor keeps. */
  async processIds(): Promise<Record<'server' | 'agent', number | undefined>> {
    const { server, agent } = (await this.status()).processes;
    return { server: server.processId, agent: agent.processId };
  }

  enginePid(): number | undefined {
    const runtimeDirectory = join(this.directory, 'run');
    return findProcesses(
      (words) => words.includes('--runtime-directory') && words.includes(runtimeDirectory),
    )[0];
  }

  /** `kill -9` of the monitor alone. */
  async killMonitor(): Promise<void> {
    await this.#monitor?.stop('SIGKILL');
  }

  /** Ends what runs without a monitor. */
  stopLeftovers(): Promise<CommandResult> {
    const program = join(repository, 'apps/host-tools/src/main.ts');
    return this.#network.gateway.attempt([
      node,
      program,
      'mstunnel_monitor',
      'stop',
      '--directory',
      this.directory,
    ]);
  }

  async stop(): Promise<Ending | undefined> {
    return await this.#monitor?.stop('SIGTERM', 30_000);
  }

  async #request(socket: string, method: string, path: string, body?: unknown): Promise<Answer> {
    const { stdout } = await this.#network.gateway.run([
      ...['curl', '--silent', '--show-error', '--max-time', '60', '--request', method],
      ...(body === undefined ? [] : ['--json', JSON.stringify(body)]),
      ...['--write-out', '\n%{http_code}', '--unix-socket', join(this.directory, 'run', socket)],
      `http://host${path}`,
    ]);
    const end = stdout.lastIndexOf('\n');
    const text = stdout.slice(0, end);
    return { status: Number(stdout.slice(end + 1)), body: text === '' ? {} : JSON.parse(text) };
  }
}
