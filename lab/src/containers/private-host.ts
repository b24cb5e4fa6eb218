import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheDirectory } from '../client/builds.ts';
import type { Namespace } from '../network/namespace.ts';
import { Background, type BackgroundOptions } from '../system/background.ts';
import { attempt, CommandFailed, type CommandOptions, type CommandResult } from '../system/command.ts';
import { processTree } from '../system/process-tree.ts';
import { makeDirectory } from '../system/run.ts';

/** Directories of this machine that the host sees with its own changes on top. */
const layered = ['etc', 'usr', 'var'];
/** Directories of its own: container engines want a plain file system below their layers. */
const own = ['var/lib/docker', 'var/lib/containers', 'home'];

/** Programs of Debian first: this machine may have others of the same names. */
const path = '/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * A host whose files, processes and name are its own too, beside its network: what is installed, changed or left running there
 * is gone with it, and nothing of it is seen by this machine. `/tmp`, `/opt` and `/root` are those of this machine.
 */
export class PrivateHost {
  readonly namespace: Namespace;
  readonly directory: string;
  readonly #init: Background;
  /** Its process 1, as this machine counts. */
  readonly #pid: number;

  private constructor(namespace: Namespace, directory: string, init: Background, pid: number) {
    this.namespace = namespace;
    this.directory = directory;
    this.#init = init;
    this.#pid = pid;
  }

  /** Where the host sees the cache of the lab, in which it may write. */
  get cache(): string {
    return cacheOn(this.directory);
  }

  static async start(namespace: Namespace, name: string): Promise<PrivateHost> {
    const directory = makeDirectory(`host-${name}`);
    for (const each of [
      ...layered.flatMap((top) => [`${top}/upper`, `${top}/work`]),
      ...own.map((at) => `own/${at}`),
    ])
      mkdirSync(join(directory, each), { recursive: true, mode: 0o755 });
    // Accounts of the host pass through it to their homes.
    for (const each of [directory, ...layered.map((top) => join(directory, top))]) chmodSync(each, 0o755);
    mkdirSync(cacheDirectory, { recursive: true });
    mkdirSync(cacheOn(directory));
    const script = join(directory, 'init');
    writeFileSync(script, initScript(namespace, directory, name), { mode: 0o755 });
    const init = new Background([
      ...['nsenter', `--net=/run/netns/${namespace.name}`, 'unshare', '--mount', '--pid', '--uts', '--fork'],
      ...['--mount-proc', '--propagation', 'private', '--kill-child=SIGKILL', '/bin/sh', script],
    ]);
    await init.waitFor(/^ready$/m, 10_000);
    const pid = processTree([init.pid]).find((one) => one !== init.pid);
    if (pid === undefined) throw new Error(`the host ${name} has no first process:\n${init.output}`);
    return new PrivateHost(namespace, directory, init, pid);
  }

  /** The path under which this machine sees a file of the host. */
  path(absolute: string): string {
    return `/proc/${this.#pid}/root${absolute}`;
  }

  writeFile(absolute: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(this.path(absolute)), { recursive: true });
    writeFileSync(this.path(absolute), text, { mode });
  }

  command(command: readonly string[]): string[] {
    return ['nsenter', '--target', String(this.#pid), '--mount', '--pid', '--uts', '--net', '--', ...command];
  }

  /** Runs a command whatever its exit code. */
  attempt(command: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return attempt(this.command(command), { ...options, environment: hostEnvironment(options.environment) });
  }

  /** Runs a command that must succeed. */
  async run(command: readonly string[], options?: CommandOptions): Promise<CommandResult> {
    const result = await this.attempt(command, options);
    if (result.code !== 0) throw new CommandFailed(command, result);
    return result;
  }

  /** Starts a process that ends with the host at the latest. A signal to it reaches `nsenter` only; use `kill` on the host. */
  start(command: readonly string[], options: BackgroundOptions = {}): Background {
    return new Background(this.command(command), {
      ...options,
      environment: hostEnvironment(options.environment),
    });
  }

  /** Ends all of its processes, containers included. */
  async remove(): Promise<void> {
    await this.#init.stop('SIGKILL');
  }
}

function cacheOn(directory: string): string {
  return join(directory, 'cache');
}

function hostEnvironment(environment: Record<string, string> = {}): Record<string, string> {
  return { PATH: path, LC_ALL: 'C.UTF-8', HOME: '/root', ...environment };
}

/** The first process: it makes the host's view of the files, and waits for every process that nobody else waits for. */
function initScript({ resolvConf, hosts }: Namespace, directory: string, name: string): string {
  const overlays = layered.map(
    (top) =>
      `mount -t overlay overlay -o lowerdir=/${top},upperdir=${directory}/${top}/upper,workdir=${directory}/${top}/work /${top}`,
  );
  const binds = own.map((at) => `mkdir -p /${at} && mount --bind ${directory}/own/${at} /${at}`);
  return `set -e
hostname ${name}
mount --bind ${cacheDirectory} ${cacheOn(directory)}
${overlays.join('\n')}
${binds.join('\n')}
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/netns
rm -f /etc/resolv.conf
touch /etc/resolv.conf
mount --bind ${resolvConf} /etc/resolv.conf
mount --bind ${hosts} /etc/hosts
echo ready
while :; do
  sleep 3600 &
  wait $!
done
`;
}
