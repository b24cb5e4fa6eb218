import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Namespace } from '../network/namespace.ts';
import { gatewayName } from '../network/network.ts';
import type { IssuedCertificate } from '../server/certificates.ts';
import type { Background } from '../system/background.ts';
import type { CommandResult } from '../system/command.ts';
import { findProcesses } from '../system/process-tree.ts';
import { makeDirectory } from '../system/run.ts';
import { eventually } from '../system/wait.ts';
import type { Entry } from './control-plane-host.ts';
import type { ServerPlace } from './fleet-network.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const node = join(repository, 'node_modules/.bin/node');

/** Where the programs of a server are. */
const programs = {
  gateway: join(repository, 'apps/gateway/src/main.ts'),
  agent: join(repository, 'apps/agent/src/main.ts'),
};
export type ServerProcess = 'monitor' | 'gateway' | 'agent' | 'engine';

/** One server of a fleet: a directory, and the processes that live by it. */
export class ServerHost {
  readonly name: string;
  readonly namespace: Namespace;
  readonly directory: string;
  readonly #processes: Background[] = [];

  private constructor({ name, namespace }: ServerPlace, directory: string) {
    this.name = name;
    this.namespace = namespace;
    this.directory = directory;
  }

  /** Makes its directory: certificate of the site, users, and a first configuration of the gateway. */
  static async prepare(
    place: ServerPlace,
    certificate: IssuedCertificate,
    usersFile: string,
  ): Promise<ServerHost> {
    const directory = makeDirectory(place.name);
    const server = new ServerHost(place, directory);
    const users = join(directory, 'users');
    await copyFile(usersFile, users);
    mkdirSync(join(directory, 'agent'), { mode: 0o700 });
    const document = {
      publicAddress: gatewayName,
      serverConfiguration: { displayName: 'before joining', network: '10.99.0.0/24' },
      tls: { certificateFile: certificate.chainFile, privateKeyFile: certificate.privateKeyFile },
      authentication: [{ kind: 'passwordFile', file: users }],
      stateDirectory: '.',
      proxyProtocol: true,
    };
    writeFileSync(server.configurationFile, `${JSON.stringify(document, null, 2)}\n`, { mode: 0o600 });
    return server;
  }

  get configurationFile(): string {
    return join(this.directory, 'gateway.json');
  }

  /** The gateway's file as it is. */
  configuration(): Entry {
    return JSON.parse(readFileSync(this.configurationFile, 'utf8'));
  }

  startGateway(): Background {
    return this.#start(programs.gateway, '--config', this.configurationFile);
  }

  /** Runs a command of the agent or the gateway on this host. */
  command(program: keyof typeof programs, ...words: string[]): Promise<CommandResult> {
    return this.namespace.attempt([node, programs[program], ...words], { directory: repository });
  }

  async sessions(): Promise<Entry[]> {
    const { code, stdout, stderr } = await this.command(
      'gateway',
      ...['sessions', '--config', this.configurationFile, '--json'],
    );
    if (code !== 0) throw new Error(`sessions of ${this.name}: ${stderr}`);
    return JSON.parse(stdout);
  }

  /** Ids of the processes of a kind that run on this host. */
  processes(kind: ServerProcess): number[] {
    const inside = new Set(this.namespace.processes());
    const belongs: Record<ServerProcess, (words: readonly string[]) => boolean> = {
      monitor: (words) => words.some((word) => word.includes('apps/host-tools/src/')),
      gateway: (words) => words.some((word) => word.includes('apps/gateway/src/main.ts')),
      agent: (words) => words.some((word) => word.includes('apps/agent/src/main.ts')),
      engine: ([program = '']) => program.endsWith('culvert-engine'),
    };
    return findProcesses(belongs[kind]).filter((pid) => inside.has(pid));
  }

  /** `kill -9` of all processes of a kind; fails when there is none. */
  async kill(kind: ServerProcess): Promise<void> {
    const pids = this.processes(kind);
    if (pids.length === 0) throw new Error(`no ${kind} runs on ${this.name}`);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await eventually(`the ${kind} of ${this.name} is gone`, () =>
      pids.every((pid) => !this.processes(kind).includes(pid)),
    );
  }

  /** Cuts the host off from every network, or brings it back. */
  async setReachable(isReachable: boolean): Promise<void> {
    for (const name of ['g0', 'g1', 'm0']) {
      await this.namespace.ip(`link set ${name} ${isReachable ? 'up' : 'down'}`);
    }
  }

  /** Everything that its processes have printed. */
  get output(): string {
    return this.#processes.map((one) => one.output).join('\n');
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((one) => one.stop('SIGTERM', 15_000)));
  }

  #start(...words: string[]): Background {
    const started = this.namespace.start([node, ...words], { directory: repository });
    this.#processes.push(started);
    return started;
  }
}
