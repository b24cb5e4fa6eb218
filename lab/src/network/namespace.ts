import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { Background, type BackgroundOptions } from '../system/background.ts';
import { undoAtExit } from '../system/cleanup.ts';
import { attempt, type CommandOptions, type CommandResult, execute } from '../system/command.ts';
import { isLeftover, runPrefix } from '../system/run.ts';

const filesRoot = '/etc/netns';

let created = 0;

/** A network namespace: one host of the lab. */
export class Namespace {
  readonly name: string;
  /** `ip netns exec` shows these two files to programs as `/etc/resolv.conf` and `/etc/hosts`. */
  readonly resolvConf: string;
  readonly hosts: string;
  readonly #background = new Set<Background>();
  readonly #forget: () => void;

  constructor(role: string) {
    created += 1;
    this.name = `${runPrefix}-${created}-${role}`;
    const directory = `${filesRoot}/${this.name}`;
    this.resolvConf = `${directory}/resolv.conf`;
    this.hosts = `${directory}/hosts`;
    this.#forget = undoAtExit(() => removeNamespace(this.name));
    mkdirSync(directory, { recursive: true });
    writeFileSync(this.resolvConf, '');
    writeFileSync(this.hosts, '127.0.0.1 localhost\n::1 localhost\n');
    execFileSync('ip', ['netns', 'add', this.name]);
    execFileSync('ip', ['-n', this.name, 'link', 'set', 'lo', 'up']);
    // Idle must be idle: no host of the lab looks for IPv6 routers.
    const quiet = 'net.ipv6.conf.default.router_solicitations=0';
    execFileSync('ip', ['netns', 'exec', this.name, 'sysctl', '-qw', quiet]);
  }

  command(command: readonly string[]): string[] {
    return ['ip', 'netns', 'exec', this.name, ...command];
  }

  /** Runs a command that must succeed. */
  run(command: readonly string[], options?: CommandOptions): Promise<CommandResult> {
    return execute(this.command(command), options);
  }

  /** Runs a command whatever its exit code. */
  attempt(command: readonly string[], options?: CommandOptions): Promise<CommandResult> {
    return attempt(this.command(command), options);
  }

  /** `ip -n NAME …` with the words of one line. */
  async ip(line: string): Promise<string> {
    return (await execute(['ip', '-n', this.name, ...line.split(' ')])).stdout;
  }

  /** Feeds a script to `nft` here. */
  async nft(script: string): Promise<string> {
    return (await this.run(['nft', '-f', '-'], { input: script })).stdout;
  }

  async sysctl(...settings: string[]): Promise<void> {
    await this.run(['sysctl', '-qw', ...settings]);
  }

  /** Starts a process that is ended with the namespace at the latest. */
  start(command: readonly string[], options?: BackgroundOptions): Background {
    const background = new Background(this.command(command), options);
    this.#background.add(background);
    void background.ended.then(() => this.#background.delete(background));
    return background;
  }

  /** Ids of all processes inside, those that nobody here started directly included. */
  processes(): number[] {
    return processesOf(this.name);
  }

  async remove(): Promise<void> {
    await Promise.all([...this.#background].map((background) => background.stop()));
    this.#forget();
    removeNamespace(this.name);
  }
}

function processesOf(name: string): number[] {
  try {
    const text = execFileSync('ip', ['netns', 'pids', name], { encoding: 'utf8', stdio: 'pipe' });
    return text.split('\n').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Ends what still runs in a namespace of the lab and removes it; safe to call twice. */
function removeNamespace(name: string): void {
  for (const pid of processesOf(name)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself in between.
    }
  }
  if (namespaceNames().includes(name)) {
    try {
      execFileSync('ip', ['netns', 'del', name], { stdio: 'pipe' });
    } catch (error) {
      // Another run may have swept it up at the same time.
      if (namespaceNames().includes(name)) throw error;
    }
  }
  rmSync(`${filesRoot}/${name}`, { recursive: true, force: true });
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Names of all network namespaces of this machine. */
export function namespaceNames(): string[] {
  return namesIn('/run/netns');
}

/** Removes the namespaces of runs whose process was killed before it could do so. */
export function sweepNamespaces(): void {
  for (const name of new Set([...namespaceNames(), ...namesIn(filesRoot)])) {
    if (isLeftover(name)) removeNamespace(name);
  }
}
