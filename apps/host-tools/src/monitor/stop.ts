import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createLogger } from '@culvert/logging/create-logger.ts';
import { ProcessHost } from './process-host.ts';
import { repositoryAsRelease } from './releases.ts';
import { repositoryRelease } from './repository.ts';
import { isServed } from './serve-monitor.ts';

/** `monitor stop`: ends in order what a monitor that was killed has left running. Nothing happens when nothing runs. */
export async function stop({ directory: given }: { directory: string }): Promise<number> {
  const directory = resolve(given);
  const runtimeDirectory = join(directory, 'run');
  if (!existsSync(runtimeDirectory)) return 0;
  const logger = createLogger({
    tag: 'mstunnel_monitor',
    directory: join(directory, 'log'),
    output: process.stdout,
  });
  if (await isServed(join(runtimeDirectory, 'monitor.sock'))) {
    logger.fatal('a monitor looks after this host; end that one, which ends its processes');
    return 1;
  }
  const release = repositoryRelease();
  const { version } = release;
  const host = new ProcessHost({
    directory,
    releases: repositoryAsRelease(release),
    logger,
    environment: process.env,
    settleMilliseconds: 0,
    agentMilliseconds: 0,
    signal: AbortSignal.abort(),
    isStopped: () => false,
    wanted: () => ({ server: version, agent: version }),
  });
  host.adopt();
  await host.end();
  return 0;
}
