import { join } from 'node:path';
import type { AgentSettings } from '@culvert/contracts';
import type { LevelControl } from '@culvert/logging/level-control.ts';
import type { Logger } from 'pino';
import { type CollectOrder, createLogCollector, type LogCollector } from './collector.ts';
import { gatewayLogLevel } from './gateway-log-level.ts';
import { RecentLogs } from './recent-logs.ts';
import type { UploadTarget } from './upload.ts';
import { VerboseLogs } from './verbose-logs.ts';

export interface AgentLogsOptions {
  /** `log/` of the host. */
  logDirectory: string;
  /** `agent/` of the host. */
  agentDirectory: string;
  /** `run/admin.sock` of the gateway. */
  adminSocket: string;
  /** Asked each time, because the connection is made anew when the certificate is. */
  target: () => UploadTarget;
  logger: Logger;
  /** Of `logger`. */
  logLevel: LevelControl;
  hostName: string;
  versions: () => Readonly<Record<string, string>>;
}

/** Everything that the agent does with the logs of its host. */
export class AgentLogs {
  readonly #collector: LogCollector;
  readonly #recent: RecentLogs;
  readonly #verbose: VerboseLogs;
  readonly #logger: Logger;
  #sending: Promise<void> | undefined;

  constructor(options: AgentLogsOptions) {
    const { logDirectory, agentDirectory, adminSocket, target, logger, logLevel, hostName, versions } =
      options;
    const spoolDirectory = join(agentDirectory, 'logs');
    this.#logger = logger;
    this.#collector = createLogCollector({
      logDirectory,
      spoolDirectory,
      target,
      logger,
      hostName,
      versions,
    });
    this.#recent = new RecentLogs({
      logDirectory,
      stateFile: join(agentDirectory, 'recent-logs.json'),
      target,
    });
    this.#verbose = new VerboseLogs(logLevel, gatewayLogLevel(adminSocket), logger);
  }

  /** For `logsAreVerbose` of a check-in. */
  get areVerbose(): boolean {
    return this.#verbose.areOn;
  }

  /** Goes on with what an earlier process has left. */
  resume(): Promise<void> {
    return this.#collector.resume();
  }

  /** Takes an order over; it is carried out in the background, and the collection tells how it ended. */
  collect(order: CollectOrder): Promise<void> {
    return this.#collector.collect(order);
  }

  /** After each check-in that was answered. Never rejects. */
  async checkedIn({ verboseLogsUntil }: Pick<AgentSettings, 'verboseLogsUntil'>): Promise<void> {
    this.#collector.retryNow();
    await this.#verbose.apply(verboseLogsUntil);
    // Sending may take longer than the time between two check-ins.
    this.#sending ??= this.#sendRecent().finally(() => {
      this.#sending = undefined;
    });
    await this.#sending;
  }

  async #sendRecent(): Promise<void> {
    try {
      await this.#recent.sendIfDue();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#logger.info({ reason }, 'recent logs go with the next check-in');
    }
  }

  close(): Promise<void> {
    return this.#collector.close();
  }
}
