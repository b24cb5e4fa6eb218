import { join } from 'node:path';
import { describeFinding } from '@culvert/contracts';
import { createLogger } from '@culvert/logging/create-logger.ts';
import { LevelControl } from '@culvert/logging/level-control.ts';
import { loadConfiguration } from '../../configuration/load.ts';
import { startGateway } from '../../gateway.ts';
import { runtimePaths } from '../../runtime-directory.ts';
import { useMemorySettings } from '../memory-settings.ts';

const tag = 'mstunnel-server';

/** `gateway`: runs in the foreground until it is told to stop. */
export async function run(
  file: string,
  { replaceEngine = false }: { replaceEngine?: boolean } = {},
): Promise<number> {
  useMemorySettings();
  // A request to reload may come while it starts, and must not end it.
  const reloads = new ReloadRequests();
  const level = process.env.CULVERT_LOG_LEVEL ?? 'info';
  // Where the file of the log is, stands in the configuration.
  let logger = createLogger({ tag, level, output: process.stdout });
  // Everything that the gateway writes is its own; what the engine may use is given to it by name.
  process.umask(0o077);
  const loaded = await loadConfiguration(file, { onPasswordProblem: (problem) => logger.warn(problem) });
  if (loaded.configuration !== undefined) {
    const { logDirectory } = runtimePaths(loaded.configuration.standalone.stateDirectory);
    logger = createLogger({ tag, level, output: process.stdout, directory: logDirectory });
  }
  for (const warning of loaded.warnings) logger.warn({ field: warning.path }, describeFinding(warning));
  for (const problem of loaded.problems) logger.fatal({ field: problem.path }, describeFinding(problem));
  if (loaded.configuration === undefined) return 1;

  const { promise: ending, resolve: end } = Promise.withResolvers<'stop' | 'handOver'>();
  // Also while it starts: the start is then finished and undone again. A second signal, as Ctrl-C below npm sends, changes nothing.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => end('stop'));
  process.on('SIGUSR2', () => end('handOver'));
  try {
    const { configuration } = loaded;
    const { logDirectory } = runtimePaths(configuration.standalone.stateDirectory);
    const gateway = await startGateway({
      configuration,
      logger,
      logLevel: new LevelControl(logger, join(logDirectory, `${tag}.level.json`)),
      environment: process.env,
      replaceForeignEngine: replaceEngine,
      onHandOverAsked: () => end('handOver'),
    });
    reloads.serve(() => {
      gateway.reload().catch((error) => logger.error({ reason: String(error) }, 'cannot reload'));
    });
    if ((await ending) === 'handOver') {
      logger.info('handing over: the engine goes on for the next gateway');
      await gateway.handOver();
      logger.info('handed over');
      return 0;
    }
    logger.info('stopping');
    await gateway.drain();
    await gateway.stop();
    logger.info('stopped');
    return 0;
  } catch (error) {
    logger.fatal(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

/** SIGHUP, from the first moment on; what comes too early is served once. */
class ReloadRequests {
  #reload: (() => void) | undefined;
  #isAsked = false;

  constructor() {
    process.on('SIGHUP', () => {
      if (this.#reload === undefined) this.#isAsked = true;
      else this.#reload();
    });
  }

  serve(reload: () => void): void {
    this.#reload = reload;
    if (this.#isAsked) reload();
  }
}
