import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Namespace } from '../network/namespace.ts';
import { gatewayName } from '../network/network.ts';
import type { IssuedCertificate } from '../server/certificates.ts';
import { devicePool } from '../server/server.ts';
import type { Background } from '../system/background.ts';
import type { CommandResult } from '../system/command.ts';
import { findProcesses } from '../system/process-tree.ts';
import { makeDirectory } from '../system/run.ts';
import { eventually } from '../system/wait.ts';
import { underClock } from './clock.ts';
import type { Entry } from './control-plane-host.ts';
import { controlPlaneAddress, type ServerPlace } from './fleet-network.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const node = join(repository, 'node_modules/.bin/node');

const programs = {
  gateway: join(repository, 'apps/gateway/src/main.ts'),
  agent: join(repository, 'apps/agent/src/main.ts'),
  hostTools: join(repository, 'apps/host-tools/src/main.ts'),
};
/** Seconds in which an upgraded gateway must be well. Short, because here nobody has to notice what is slow. */
const settleSeconds = 3;

export type ServerProcess = 'monitor' | 'gateway' | 'agent' | 'engine';

const isProcess: Record<ServerProcess, (words: readonly string[]) => boolean> = {
  monitor: (words) => words.some((word) => word.endsWith('apps/host-tools/src/main.ts')),
  gateway: (words) => words.some((word) => word.endsWith('apps/gateway/src/main.ts')),
  agent: (words) => words.some((word) => word.endsWith('apps/agent/src/main.ts')),
  engine: ([program = '']) => program.endsWith('culvert-engine'),
};

/** One server of a fleet: a directory, and the processes that live by it. */
export class ServerHost {
  /** Also its host name. */
  readonly name: string;
  readonly namespace: Namespace;
  readonly directory: string;
  /** Where its releases are; without any it runs the programs of the repository. */
  readonly releases: string;
  readonly #started: Background[] = [];
  #agent: Background | undefined;

  private constructor({ name, namespace }: ServerPlace) {
    this.name = name;
    this.namespace = namespace;
    this.directory = makeDirectory(name);
    this.releases = join(this.directory, 'releases');
  }

  /** Makes its directory: certificate of the site, users, and what stands in the file of the gateway before it has joined. */
  static async prepare(
    place: ServerPlace,
    certificate: IssuedCertificate,
    usersFile: string,
  ): Promise<ServerHost> {
    const server = new ServerHost(place);
    const users = join(server.directory, 'users');
    await copyFile(usersFile, users);
    for (const name of ['agent', 'releases']) mkdirSync(join(server.directory, name), { mode: 0o700 });
    const document = {
      publicAddress: gatewayName,
      // The network is that of the site: a gateway that runs cannot change it.
      serverConfiguration: { displayName: 'before joining', network: devicePool },
      tls: { certificateFile: certificate.chainFile, privateKeyFile: certificate.privateKeyFile },
      authentication: [{ kind: 'passwordFile', file: users }],
      stateDirectory: '.',
      proxyProtocol: true,
    };
    const text = `${JSON.stringify(document, null, 2)}\n`;
    writeFileSync(server.configurationFile, text, { mode: 0o600 });
    return server;
  }

  get configurationFile(): string {
    return join(this.directory, 'gateway.json');
  }

  /** The gateway's file as it is. */
  configuration(): Entry {
    return JSON.parse(readFileSync(this.configurationFile, 'utf8'));
  }

  /** Path of a file that belongs to the agent, such as `agent.crt`. */
  agentFile(name: string): string {
    return join(this.directory, 'agent', name);
  }

  /** Puts a join token where an agent that is started finds it. */
  giveJoinToken(token: string): void {
    writeFileSync(this.agentFile('join-token'), `${token}\n`, { mode: 0o600 });
  }

  /** Gives the agent a proxy, or none; it counts from its next start on. */
  useProxy(proxy: string | undefined): void {
    writeFileSync(this.agentFile('settings.json'), JSON.stringify(proxy === undefined ? {} : { proxy }));
  }

  /** Starts the monitor, and with it gateway and agent. It stands for the service manager: it starts it again when asked. */
  startMonitor(options: { hasReleases?: boolean } = {}): void {
    const releases = options.hasReleases === true ? ['--releases', this.releases] : [];
    this.#start([
      ...[node, programs.hostTools, 'mstunnel_monitor', 'run', '--directory', this.directory],
      ...['--settle-seconds', String(settleSeconds), ...releases],
    ]);
  }

  /** Starts the gateway alone, without a monitor. */
  startGateway(): void {
    this.#start([node, programs.gateway, 'run', '--config', this.configurationFile]);
  }

  /** Starts the agent alone, without a monitor; `clock` is what `faketime` takes. One that runs is stopped first. */
  async startAgent(clock?: string): Promise<void> {
    await this.stopAgent();
    const shift = underClock(clock);
    this.#agent = this.#start([...shift, node, programs.agent, 'run', '--directory', this.directory]);
  }

  async stopAgent(): Promise<void> {
    await this.#agent?.stop();
  }

  /** Runs a command of the agent on this host, such as `status`. */
  agentCommand(name: string, ...words: string[]): Promise<CommandResult> {
    return this.namespace.attempt(
      this.#named([node, programs.agent, name, '--directory', this.directory, ...words]),
    );
  }

  /** Lets the server join, or join again, as its administrator does; `clock` as for the agent. */
  join(
    token: string,
    { again = false, clock }: { again?: boolean; clock?: string } = {},
  ): Promise<CommandResult> {
    const shift = underClock(clock);
    const command = [
      ...shift,
      node,
      programs.agent,
      'join',
      '--directory',
      this.directory,
      '--join-token',
      '-',
    ];
    if (again) command.push('--again');
    return this.namespace.attempt(this.#named(command), { input: `${token}\n` });
  }

  /** What the agent says of itself to the administrator of the host. */
  async agentStatus(): Promise<string> {
    const { stdout, stderr } = await this.agentCommand('status');
    return `${stdout}${stderr}`;
  }

  /** Leaves the proxy as the only way to the control plane. */
  async dropDirectConnections(): Promise<void> {
    await this.namespace.nft(`
      table ip lab_direct {
        chain out {
          type filter hook output priority 0;
          ip daddr ${controlPlaneAddress} drop
        }
      }`);
  }

  async allowDirectConnections(): Promise<void> {
    await this.namespace.nft('delete table ip lab_direct');
  }

  async sessions(): Promise<Entry[]> {
    return JSON.parse(await this.#gatewayCommand('sessions'));
  }

  /** The version that the running gateway tells. */
  async gatewayVersion(): Promise<string> {
    return JSON.parse(await this.#gatewayCommand('status')).version;
  }

  /** Ids of the processes of a kind that run on this host. */
  processes(kind: ServerProcess): number[] {
    const inside = new Set(this.namespace.processes());
    return findProcesses(isProcess[kind]).filter((pid) => inside.has(pid));
  }

  /** `kill -9` of all processes of a kind; fails when there is none. */
  async kill(kind: ServerProcess): Promise<void> {
    const pids = this.processes(kind);
    if (pids.length === 0) throw new Error(`no ${kind} runs on ${this.name}`);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await eventually(`the ${kind} of ${this.name} is gone`, () => {
      const now = this.processes(kind);
      return pids.every((pid) => !now.includes(pid));
    });
  }

  /** Cuts the host off from every network, or brings it back. */
  async setReachable(isReachable: boolean): Promise<void> {
    for (const name of ['g0', 'g1', 'm0']) {
      await this.namespace.ip(`link set ${name} ${isReachable ? 'up' : 'down'}`);
    }
  }

  /** Everything that its processes have printed. */
  get output(): string {
    return this.#started.map((one) => one.output).join('\n');
  }

  async stop(): Promise<void> {
    await Promise.all(this.#started.map((one) => one.stop('SIGTERM', 20_000)));
  }

  async #gatewayCommand(name: string): Promise<string> {
    const { stdout } = await this.namespace.run([
      ...[node, programs.gateway, name, '--config', this.configurationFile, '--json'],
    ]);
    return stdout;
  }

  #start(command: readonly string[]): Background {
    const started = this.namespace.start(this.#named(command), { directory: repository });
    this.#started.push(started);
    return started;
  }

  /** The command with the host name of this server; all hosts of the lab would have that of the machine. */
  #named(command: readonly string[]): string[] {
    return ['unshare', '--uts', 'sh', '-c', 'hostname "$0" && exec "$@"', this.name, ...command];
  }
}
