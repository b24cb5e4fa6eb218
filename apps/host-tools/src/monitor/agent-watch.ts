import type { Logger } from './logger.ts';
import type { ProcessHost } from './process-host.ts';
import { Silence } from './silence.ts';

/** An agent answers within moments, whatever it does; one that is silent for this long does nothing any more. */
const patienceMilliseconds = 60_000;

export interface AgentWatchOptions {
  host: Pick<ProcessHost, 'agent' | 'agentAnswers' | 'restartAgent'>;
  logger: Logger;
  patience?: number;
}

/** Notices an agent that runs and does nothing. */
export class AgentWatch {
  readonly #options: AgentWatchOptions;
  readonly #answers: Silence;
  #since: number | undefined;

  constructor(options: AgentWatchOptions) {
    this.#options = options;
    this.#answers = new Silence(options.patience ?? patienceMilliseconds);
  }

  /** One look; starts an agent again that has not answered for too long. */
  async look(): Promise<void> {
    const { host, logger } = this.#options;
    const { since } = host.agent;
    if (since === undefined) return;
    const isAnother = since !== this.#since;
    this.#since = since;
    const answers = await host.agentAnswers();
    // Another process begins without the past of the one before.
    const isWell = answers || isAnother || host.agent.since !== since;
    if (!this.#answers.observe(performance.now(), isWell)) return;
    logger.error('the agent does not answer any more and is started again');
    await host.restartAgent();
  }
}
