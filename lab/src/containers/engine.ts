import { join } from 'node:path';
import type { CommandOptions, CommandResult } from '../system/command.ts';
import { eventually } from '../system/wait.ts';
import { baseImage, ensureBaseArchive } from './base-image.ts';
import type { PrivateHost } from './private-host.ts';

export type EngineKind = 'docker' | 'podman';

export const engineKinds: readonly EngineKind[] = ['docker', 'podman'];

/** What Podman 4.3 of Debian needs on a machine like this one: see `lab/README.md`. */
const podmanSettings = `[containers]
default_ulimits = ["nofile=1024:20000", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
`;

/** Docker or Podman as Debian has them, on a private host, with their files where they always are. */
export class Engine {
  readonly kind: EngineKind;
  readonly host: PrivateHost;

  private constructor(kind: EngineKind, host: PrivateHost) {
    this.kind = kind;
    this.host = host;
  }

  static async start(kind: EngineKind, host: PrivateHost): Promise<Engine> {
    const engine = new Engine(kind, host);
    if (kind === 'podman') host.writeFile('/etc/containers/containers.conf', podmanSettings);
    await engine.start();
    return engine;
  }

  /** Starts the daemon of Docker; Podman has none. */
  async start(): Promise<void> {
    if (this.kind === 'podman') return;
    const daemon = this.host.start(['dockerd']);
    await eventually(
      'the Docker daemon answers',
      async () => {
        if (!daemon.running) throw new Error(`dockerd ended:\n${daemon.output}`);
        return (await this.attempt(['version'])).code === 0;
      },
      30_000,
    );
  }

  /** Stops the daemon, as `systemctl stop docker` does; containers end with it. */
  async stop(): Promise<void> {
    if (this.kind === 'podman') return;
    const pid = (await this.host.run(['cat', '/var/run/docker.pid'])).stdout.trim();
    await this.host.run(['kill', pid]);
    await eventually(
      'the Docker daemon ends',
      async () => (await this.host.attempt(['kill', '-0', pid])).code !== 0,
      30_000,
    );
  }

  /** Runs `docker` or `podman` with these words, which must succeed. */
  run(words: readonly string[], options?: CommandOptions): Promise<CommandResult> {
    return this.host.run([this.kind, ...words], options);
  }

  attempt(words: readonly string[], options?: CommandOptions): Promise<CommandResult> {
    return this.host.attempt([this.kind, ...words], options);
  }

  /** The value of a Go template over `inspect`. */
  async inspect(container: string, template: string): Promise<string> {
    return (await this.run(['inspect', '--format', template, container])).stdout.trim();
  }

  /** Everything that a container has printed. */
  async logs(container: string): Promise<string> {
    const { stdout, stderr } = await this.attempt(['logs', container]);
    return stdout + stderr;
  }

  /** What the health check of a container says now. Podman runs checks by systemd's timers, which are not here. */
  async health(container: string): Promise<string> {
    if (this.kind === 'podman') {
      await this.attempt(['healthcheck', 'run', container]);
      return this.inspect(container, '{{.State.Healthcheck.Status}}');
    }
    return this.inspect(container, '{{.State.Health.Status}}');
  }

  /** Ids of all processes of a container, as the host counts. */
  async processIds(container: string): Promise<number[]> {
    const words = this.kind === 'docker' ? ['-eo', 'pid'] : ['hpid'];
    const { stdout } = await this.run(['top', container, ...words]);
    return stdout.trim().split('\n').slice(1).map(Number);
  }

  /** Brings the base image here. */
  async importBase(): Promise<void> {
    const archive = join(this.host.cache, await ensureBaseArchive());
    await this.run(['import', archive, baseImage], { timeoutMilliseconds: 120_000 });
  }

  /** Brings images of an archive here; the path is that of the host. */
  async load(archive: string): Promise<void> {
    await this.run(['load', '--input', archive], { timeoutMilliseconds: 120_000 });
  }

  /** Ends containers as an administrator would, so that the engine takes their control groups away. */
  async removeContainers(): Promise<void> {
    const { stdout } = await this.attempt(['ps', '--all', '--quiet']);
    const ids = stdout.split('\n').filter(Boolean);
    if (ids.length > 0) await this.attempt(['rm', '--force', ...ids]);
  }
}
