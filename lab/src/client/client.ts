import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Device } from '../network/device.ts';
import { gatewayAddress, gatewayName } from '../network/network.ts';
import type { Background, Ending } from '../system/background.ts';
import { makeDirectory } from '../system/run.ts';
import { eventually } from '../system/wait.ts';
import { type ClientBuild, clientProgram } from './builds.ts';
import { connectResponse } from './http-dump.ts';
import { readScriptCalls, type ScriptCall } from './script-calls.ts';

export interface ClientOptions {
  device: Device;
  /** PEM of the authorities that the client trusts. */
  authoritiesFile: string;
  build?: ClientBuild;
  user?: string;
  /** One password, or the answers to all questions in turn. */
  password?: string | readonly string[];
  authgroup?: string;
  /** False adds `--no-dtls`. */
  dtls?: boolean;
  /** Signs in by a cookie of an earlier sign-in. */
  cookie?: string;
  /** Runs this command in place of a tunnel interface (`--script-tun`). */
  scriptTun?: string;
  /** Further parameters, before the address. */
  extra?: readonly string[];
  /** Address that the name of the gateway stands for. */
  address?: string;
  /** Where to connect to; the default is the name of the gateway. */
  url?: string;
  interfaceName?: string;
}

const scriptFile = fileURLToPath(new URL('client-script.sh', import.meta.url));

/** "Configured as ADDRESSES, with SSL connected and DTLS connected" of openconnect 9.01. */
const configuredLine = /^Configured as ([^\n]*), with SSL( \+ \S+)? (\S+) and DTLS( \+ \S+)? ([^\n]+)$/m;

/** What openconnect says of its tunnel once it is up. */
export interface Connection {
  addresses: string[];
  /** Whether DTLS was up by then. */
  dtls: boolean;
}

/** The stock openconnect, running on a device. */
export class Client {
  readonly device: Device;
  readonly interfaceName: string;
  readonly process: Background;
  readonly #callsFile: string;
  readonly #hasInterface: boolean;

  private constructor(options: ClientOptions) {
    this.device = options.device;
    this.interfaceName = options.interfaceName ?? 'tun0';
    this.#hasInterface = options.scriptTun === undefined;
    this.#callsFile = join(makeDirectory('client'), 'script-calls.jsonl');
    const answers = typeof options.password === 'string' ? [options.password] : (options.password ?? []);
    this.process = options.device.namespace.start(clientCommand(options, this.interfaceName), {
      input: options.cookie ?? answers.map((answer) => `${answer}\n`).join(''),
      environment: {
        CULVERT_LAB_SCRIPT_CALLS: this.#callsFile,
        CULVERT_LAB_RESOLV_CONF: options.device.namespace.resolvConf,
        // Messages are compared in English.
        LC_ALL: 'C.UTF-8',
      },
    });
  }

  /** Starts openconnect and does not wait for anything. */
  static start(options: ClientOptions): Client {
    return new Client(options);
  }

  /** Starts openconnect and waits until its tunnel is up. */
  static async connect(options: ClientOptions, timeoutMilliseconds = 30_000): Promise<Client> {
    const client = new Client(options);
    await client.connected(timeoutMilliseconds);
    return client;
  }

  get log(): string {
    return this.process.output;
  }

  /** Waits until the tunnel is up, its interface configured. */
  async connected(timeoutMilliseconds = 30_000): Promise<Connection> {
    const [, addresses = '', , , , dtls = ''] = await this.process.waitFor(
      configuredLine,
      timeoutMilliseconds,
    );
    // openconnect prints the line before it calls the script.
    if (this.#hasInterface) await this.configuration();
    // Both mean that it is up; "established" says that its keys have been used.
    return {
      addresses: addresses.split(/[ ,+]+/).filter(Boolean),
      dtls: dtls === 'connected' || dtls === 'established',
    };
  }

  /** Waits until the DTLS channel of this tunnel is up; `from` is a position in the log. */
  async dtlsEstablished(timeoutMilliseconds = 30_000, from = 0): Promise<void> {
    await this.process.waitFor(/Established DTLS connection|DTLS connected/, timeoutMilliseconds, from);
  }

  /** All calls of the client script so far. */
  scriptCalls(): ScriptCall[] {
    return readScriptCalls(this.#callsFile);
  }

  /** What the script was told when the tunnel came up. */
  configuration(): Promise<ScriptCall> {
    return eventually('the client script was called to connect', () =>
      this.scriptCalls().find((call) => call.reason === 'connect'),
    );
  }

  /** Values of a header of the last answer to CONNECT; the log has them all, the script only those of TLS. */
  responseHeaders(name: string): string[] {
    return connectResponse(this.log)
      .headers.filter(([header]) => header === name)
      .map(([, value]) => value);
  }

  /** Waits for the call number `count` with this reason. */
  async scriptCall(reason: string, count = 1, timeoutMilliseconds = 30_000): Promise<ScriptCall> {
    return await eventually(
      `call ${count} of the client script for ${reason}`,
      () => this.scriptCalls().filter((call) => call.reason === reason)[count - 1],
      timeoutMilliseconds,
    );
  }

  /** Makes the client drop its connection and come back at once (SIGUSR2). */
  async reconnect(timeoutMilliseconds = 30_000): Promise<void> {
    const before = this.scriptCalls().filter((call) => call.reason === 'reconnect').length;
    this.process.signal('SIGUSR2');
    await this.scriptCall('reconnect', before + 1, timeoutMilliseconds);
  }

  /** The user ends the session (SIGINT): the client says goodbye. */
  logOut(): Promise<Ending> {
    return this.process.stop('SIGINT');
  }

  /** The client ends without goodbye and its session stays (SIGHUP). */
  detach(): Promise<Ending> {
    return this.process.stop('SIGHUP');
  }

  /** The device is switched off: no goodbye, not even a closed connection is promised (SIGKILL). */
  kill(): Promise<Ending> {
    return this.process.stop('SIGKILL');
  }
}

function clientCommand(options: ClientOptions, interfaceName: string): string[] {
  const command = [clientProgram(options.build ?? 'gnutls'), '-v', '--cafile', options.authoritiesFile];
  command.push('--resolve', `${gatewayName}:${options.address ?? gatewayAddress}`);
  if (options.scriptTun === undefined) command.push('--script', scriptFile, '--interface', interfaceName);
  else command.push('--script-tun', '--script', options.scriptTun);
  if (options.user !== undefined) command.push('--user', options.user);
  if (typeof options.password === 'string') command.push('--passwd-on-stdin');
  if (options.authgroup !== undefined) command.push('--authgroup', options.authgroup);
  if (options.dtls === false) command.push('--no-dtls');
  if (options.cookie !== undefined) command.push('--cookie-on-stdin');
  command.push(...(options.extra ?? []), options.url ?? `https://${gatewayName}`);
  return command;
}
