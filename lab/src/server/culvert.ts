import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gatewayAddress, gatewayName } from '../network/network.ts';
import { type Background, type Ending, graceMilliseconds } from '../system/background.ts';
import { type CommandResult, execute } from '../system/command.ts';
import { findProcesses, processTree } from '../system/process-tree.ts';
import { makeDirectory } from '../system/run.ts';
import { eventually } from '../system/wait.ts';
import type { Server, ServerPlace, ServerSettings } from './server.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const node = join(repository, 'node_modules/.bin/node');
const mainFile = join(repository, 'apps/gateway/src/main.ts');

/** A line of `access.jsonl` or an entry of `sessions --json`; tests look at single fields. */
export type Entry = Readonly<Record<string, unknown>>;

/** Makes a file of accounts with the product's own command. */
export async function writeAccounts(file: string, accounts: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, password] of Object.entries(accounts)) {
    await execute([node, mainFile, 'passwd', '--file', file, name], { input: `${password}\n` });
  }
}

/** The product: gateway and engine in the gateway namespace. */
export class Culvert implements Server {
  readonly kind = 'culvert';
  readonly place: ServerPlace;
  readonly settings: ServerSettings;
  readonly configurationFile: string;
  readonly stateDirectory: string;
  readonly accountsFile: string;
  /** Everything that all gateway processes of this server printed, the newest last. */
  readonly #earlier: string[] = [];
  #gateway: Background | undefined;

  private constructor(place: ServerPlace, settings: ServerSettings, directory: string) {
    this.place = place;
    this.settings = settings;
    this.configurationFile = join(directory, 'gateway.json');
    this.stateDirectory = join(directory, 'state');
    this.accountsFile = join(directory, 'users');
  }

  /** Writes the configuration and the accounts, starts the gateway and waits until it answers. */
  static async start(place: ServerPlace, settings: ServerSettings): Promise<Culvert> {
    const server = await Culvert.prepare(place, settings);
    await server.startGateway();
    return server;
  }

  /** Writes the configuration and the accounts and starts nothing. */
  static async prepare(place: ServerPlace, settings: ServerSettings): Promise<Culvert> {
    const directory = makeDirectory('culvert');
    const server = new Culvert(place, settings, directory);
    await writeAccounts(server.accountsFile, settings.accounts);
    server.writeConfiguration(settings);
    return server;
  }

  /** Replaces the configuration file; `reload` makes the gateway read it. */
  writeConfiguration(settings: ServerSettings): void {
    const { server, advanced, gateway } = settings;
    const document = {
      publicAddress: gatewayName,
      serverConfiguration: {
        ...server,
        advancedSettings: Object.entries(advanced).map(([name, value]) => ({ name, value })),
      },
      tls: {
        certificateFile: this.place.certificate.chainFile,
        privateKeyFile: this.place.certificate.privateKeyFile,
      },
      authentication: [{ kind: 'passwordFile', file: this.accountsFile }],
      stateDirectory: this.stateDirectory,
      ...gateway,
    };
    writeFileSync(this.configurationFile, `${JSON.stringify(document, null, 2)}\n`, { mode: 0o600 });
  }

  /** Starts a gateway process; the engine of before is taken over when it still runs. */
  async startGateway(environment: Record<string, string> = {}): Promise<void> {
    if (this.#gateway !== undefined) this.#earlier.push(this.#gateway.output);
    const background = this.place.network.gateway.start(
      [node, mainFile, '--config', this.configurationFile],
      { directory: repository, environment },
    );
    this.#gateway = background;
    await eventually(
      'the gateway answers',
      async () => {
        if (!background.running) throw new Error(`the gateway ended:\n${background.output}`);
        return await this.#answers();
      },
      30_000,
      200,
    ).catch(async (error: unknown) => {
      await this.stop();
      throw new Error(`the gateway did not start; its output:\n${background.output}`, { cause: error });
    });
  }

  get output(): string {
    return [...this.#earlier, this.#gateway?.output ?? ''].join('\n');
  }

  get running(): boolean {
    return this.#gateway?.running === true;
  }

  get gatewayPid(): number {
    return this.#gateway?.pid ?? 0;
  }

  /** Id of the engine of this server, or undefined when none runs. */
  enginePid(): number | undefined {
    const directory = join(this.stateDirectory, 'run');
    return findProcesses(
      ([program, ...rest]) => program?.endsWith('culvert-engine') === true && rest.includes(directory),
    )[0];
  }

  processes(): number[] {
    return processTree([this.gatewayPid, this.enginePid() ?? 0].filter((pid) => pid > 0));
  }

  /** `kill -9` of the gateway process; the engine lives on. */
  async killGateway(): Promise<void> {
    await this.#gateway?.stop('SIGKILL');
  }

  /** `kill -9` of the engine; a gateway that runs starts another one at once. */
  async killEngine(): Promise<void> {
    const pid = this.enginePid();
    if (pid === undefined) throw new Error('no engine runs');
    process.kill(pid, 'SIGKILL');
    await eventually('the engine is gone', () => this.enginePid() !== pid);
  }

  /** Runs a command of the gateway's command line against this server. */
  command(...words: string[]): Promise<CommandResult> {
    const [name = '', ...rest] = words;
    return this.place.network.gateway.attempt(
      [node, mainFile, name, '--config', this.configurationFile, ...rest],
      { directory: repository },
    );
  }

  /** One request to the socket of the running gateway. */
  async administer(method: 'GET' | 'POST', path: string): Promise<Entry> {
    const { stdout } = await this.place.network.gateway.run([
      ...['curl', '--silent', '--show-error', '--fail-with-body', '--max-time', '60', '--request', method],
      ...['--unix-socket', join(this.stateDirectory, 'run/admin.sock'), `http://gateway${path}`],
    ]);
    return JSON.parse(stdout) as Entry;
  }

  /** Ends the gateway so that the next one takes over, and waits for its end. */
  async handOver(): Promise<Ending | undefined> {
    return await this.#gateway?.stop('SIGUSR2', 20_000);
  }

  async sessions(): Promise<Entry[]> {
    const { code, stdout, stderr } = await this.command('sessions', '--json');
    if (code !== 0) throw new Error(`sessions --json ended with ${code}: ${stderr}`);
    return JSON.parse(stdout) as Entry[];
  }

  /** Lines of the access log so far. */
  accessLog(): Entry[] {
    const text = readFileSync(join(this.stateDirectory, 'log/access.jsonl'), 'utf8');
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Entry);
  }

  /** Ends the gateway as an administrator does, and nothing else. */
  async stopGateway(signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM'): Promise<Ending | undefined> {
    const { drainSeconds = 0 } = this.settings.gateway;
    return await this.#gateway?.stop(signal, graceMilliseconds + drainSeconds * 1000);
  }

  async stop(): Promise<void> {
    await this.stopGateway();
    // Stopping the gateway stops its engine; one that stays behind is a defect that the next test must not feel.
    const engine = this.enginePid();
    if (engine !== undefined) process.kill(engine, 'SIGKILL');
  }

  /** True once a TCP connection to the public port is accepted and the gateway lists its sessions. */
  async #answers(): Promise<boolean> {
    const port = this.settings.server.listenPort ?? 443;
    const probe = await this.place.network.gateway.attempt([
      ...['curl', '--silent', '--insecure', '--max-time', '3', '--output', '/dev/null'],
      ...(this.settings.gateway.proxyProtocol === true ? ['--haproxy-protocol'] : []),
      ...['--resolve', `${gatewayName}:${port}:${gatewayAddress}`, `https://${gatewayName}:${port}/`],
    ]);
    return probe.code === 0;
  }
}
