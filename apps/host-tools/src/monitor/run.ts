import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createLogger } from '@culvert/logging/create-logger.ts';
import type { HostStateStore } from './host-upgrade.ts';
import { IntentsFile } from './intents.ts';
import { Monitor } from './monitor.ts';
import { ProcessHost } from './process-host.ts';
import { type Releases, releasesIn, repositoryAsRelease } from './releases.ts';
import { repositoryRelease } from './repository.ts';
import { serveMonitor } from './serve-monitor.ts';
import { requireSharedDirectory } from './shared-directory.ts';
import { RepositoryState, StateFile } from './state-file.ts';
import { untilStopped } from './until-stopped.ts';

export interface RunOptions {
  directory: string;
  /** Without it the repository is the only release. */
  releases?: string;
  settleSeconds: number;
  agentSeconds: number;
  patienceSeconds: number;
}

/** `monitor run`: keeps gateway and agent running until it is told to stop. */
export async function run(options: RunOptions): Promise<number> {
  process.umask(0o077);
  const directory = resolve(options.directory);
  const runtimeDirectory = join(directory, 'run');
  mkdirSync(runtimeDirectory, { recursive: true });
  const logger = createLogger({
    tag: 'mstunnel_monitor',
    directory: join(directory, 'log'),
    output: process.stdout,
    ...(process.env.CULVERT_LOG_LEVEL === undefined ? {} : { level: process.env.CULVERT_LOG_LEVEL }),
  });
  const stopped = untilStopped();
  try {
    requireSharedDirectory(directory);
    const { releases, state } = chooseReleases(directory, options.releases);
    const monitor = new Monitor({
      host: (watch) =>
        new ProcessHost({
          ...watch,
          directory,
          releases,
          logger,
          environment: environmentOfProcesses(process.env),
          settleMilliseconds: options.settleSeconds * 1000,
          agentMilliseconds: options.agentSeconds * 1000,
          patienceMilliseconds: options.patienceSeconds * 1000,
        }),
      state,
      intents: new IntentsFile(join(runtimeDirectory, 'intents.json')),
      logger,
    });
    process.on('SIGHUP', () => monitor.reload());
    // Before anything is started: another monitor may look after this host.
    const server = await serveMonitor(join(runtimeDirectory, 'monitor.sock'), monitor);
    try {
      await monitor.start();
      await stopped;
    } finally {
      logger.info('stopping');
      await monitor.stop();
      await server.close();
    }
    logger.info('stopped');
    return 0;
  } catch (error) {
    logger.fatal(error instanceof Error ? error.message : String(error));
    return 1;
  } finally {
    // An open channel would keep this process alive.
    if (process.connected) process.disconnect?.();
  }
}

function chooseReleases(
  directory: string,
  releasesDirectory: string | undefined,
): { releases: Releases; state: HostStateStore } {
  if (releasesDirectory !== undefined) {
    const releases = releasesIn(resolve(releasesDirectory));
    return { releases, state: new StateFile(join(directory, 'release-in-use.json'), releases.versions()) };
  }
  const release = repositoryRelease();
  return { releases: repositoryAsRelease(release), state: new RepositoryState(release.version) };
}

/** Without the descriptor of a channel that is only for this process. */
function environmentOfProcesses({
  NODE_CHANNEL_FD: _channel,
  ...environment
}: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return environment;
}
