import { type LevelControl, logLevelSchema } from '@culvert/logging/level-control.ts';
import type { Logger } from 'pino';

/** `/log-level` of the gateway's administration socket. Rejects while no gateway answers. */
export interface GatewayLogLevel {
  send(method: 'GET' | 'PUT' | 'DELETE', body?: object): Promise<unknown>;
}

const verboseLevel = 'debug';

/** Makes the logs of agent and gateway verbose for as long as the site wants, and lets the levels of before come back. */
export class VerboseLogs {
  readonly #own: LevelControl;
  readonly #gateway: GatewayLogLevel;
  readonly #logger: Pick<Logger, 'warn'>;
  #gatewayIsVerbose = false;

  constructor(own: LevelControl, gateway: GatewayLogLevel, logger: Pick<Logger, 'warn'>) {
    this.#own = own;
    this.#gateway = gateway;
    this.#logger = logger;
  }

  /** For `logsAreVerbose` of a check-in. */
  get areOn(): boolean {
    return this.#own.state.until !== undefined && this.#gatewayIsVerbose;
  }

  /** Takes over `verboseLogsUntil` of the settings; call it with each answer to a check-in. Never rejects. */
  async apply(until: string | undefined): Promise<void> {
    const before = this.#own.state.until;
    if (until === before && (until === undefined || (await this.#gatewayFollows(until)))) return;
    if (until === undefined) this.#own.end();
    else this.#own.change({ level: verboseLevel, until });
    try {
      // What the administrator of the host has set is not ours to end.
      if (until !== undefined) await this.#gateway.send('PUT', { level: verboseLevel, until });
      else if (await this.#gatewayFollows(before)) await this.#gateway.send('DELETE');
      this.#gatewayIsVerbose = until !== undefined;
    } catch (error) {
      this.#gatewayIsVerbose = false;
      const reason = error instanceof Error ? error.message : String(error);
      this.#logger.warn({ reason }, 'the log level of the gateway could not be changed');
    }
  }

  async #gatewayFollows(until: string | undefined): Promise<boolean> {
    const state = await this.#gateway.send('GET').then(
      (answer) => logLevelSchema.safeParse(answer).data,
      () => undefined,
    );
    this.#gatewayIsVerbose = state?.until !== undefined && state.until === until;
    return this.#gatewayIsVerbose;
  }
}
