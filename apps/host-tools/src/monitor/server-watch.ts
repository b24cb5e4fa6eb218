import { statSync } from 'node:fs';
import type { Logger } from './logger.ts';
import type { ProcessHost } from './process-host.ts';
import { Silence } from './silence.ts';

/** A start under full load takes a few seconds; a gateway or an engine that is away for this long does not come back. */
const patienceMilliseconds = 60_000;

export interface ServerWatchOptions {
  host: ProcessHost;
  configurationFile: string;
  logger: Logger;
  patience?: number;
}

/** Notices a gateway that runs and serves nobody, and a configuration with which a failed one may start. */
export class ServerWatch {
  readonly #options: ServerWatchOptions;
  readonly #answers: Silence;
  readonly #engine: Silence;
  #since: number | undefined;
  #configuration: string | undefined;

  constructor(options: ServerWatchOptions) {
    this.#options = options;
    const { patience = patienceMilliseconds } = options;
    this.#answers = new Silence(patience);
    this.#engine = new Silence(patience);
  }

  /** One look; puts right what it can. */
  async look(): Promise<void> {
    const { host, logger } = this.#options;
    const hasChanged = this.#hasConfigurationChanged();
    const { since } = host.server;
    if (since === undefined) {
      if (hasChanged && host.server.isWaiting) {
        logger.info('the configuration of the gateway has changed: it is started now');
        host.server.start();
      }
      return;
    }
    const now = performance.now();
    if (since !== this.#since) {
      // Another process begins without the past of the one before.
      this.#since = since;
      this.#answers.observe(now, true);
      this.#engine.observe(now, true);
    }
    const status = await host.gateway.status().catch((error: Error) => error);
    if (host.server.since !== since) return;
    if (this.#answers.observe(performance.now(), !(status instanceof Error))) {
      const reason = status instanceof Error ? status.message : '';
      logger.error({ reason }, 'the gateway does not answer any more and is started again; tunnels go on');
      await host.replaceGateway();
    } else if (
      !(status instanceof Error) &&
      this.#engine.observe(performance.now(), status.engine.connected)
    ) {
      logger.error('the gateway is without its engine for too long: both are started again');
      await host.restartServer();
    }
  }

  #hasConfigurationChanged(): boolean {
    const appearance = appearanceOf(this.#options.configurationFile);
    const hasChanged = this.#configuration !== undefined && appearance !== this.#configuration;
    this.#configuration = appearance;
    return hasChanged;
  }
}

function appearanceOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? 'missing' : `${found.ino} ${found.size} ${found.mtimeMs}`;
}
