import { setTimeout as sleep } from 'node:timers/promises';
import type { MonitorStatus, UpgradeReport } from '@culvert/contracts';
import type { Logger } from 'pino';
import type { MonitorClient } from '../monitor/monitor-client.ts';
import { shouldUpgrade } from './decide.ts';

/** Milliseconds between two looks at an upgrade that is under way. */
const interval = 2_000;

export interface UpgradesOptions {
  monitor: Pick<MonitorClient, 'status' | 'upgrade'>;
  logger: Logger;
  now: () => Date;
  /** Called when the state of an upgrade has changed. */
  changed: () => void;
  signal: AbortSignal;
}

/** Asks the monitor of this host for the version that the site wants, and tells how it goes. */
export class Upgrades {
  readonly #options: UpgradesOptions;
  #own: UpgradeReport | undefined;
  #watching: Promise<void> | undefined;

  constructor(options: UpgradesOptions) {
    this.#options = options;
  }

  /** For the check-in; undefined when there never was one, or nobody can tell. */
  async report(): Promise<UpgradeReport | undefined> {
    const status = await this.#status();
    return this.#own ?? status?.upgrade;
  }

  /** Resolves when the monitor has been asked, if it had to be. */
  async want(version: string | undefined): Promise<void> {
    const { monitor, logger, now, changed } = this.#options;
    if (version === undefined) return;
    try {
      const status = await monitor.status();
      if (status !== undefined && !shouldUpgrade(version, status, now().getTime())) return;
      await monitor.upgrade(version);
      logger.info({ version }, 'the monitor was asked to switch to the version that the site wants');
      this.#own = undefined;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (this.#own?.version === version && this.#own.reason === reason) return;
      logger.error({ version, reason }, 'this server cannot be upgraded');
      this.#own = { version, state: 'failed', reason: reason.slice(0, 1000), at: now().toISOString() };
      changed();
      return;
    }
    this.#watching ??= this.#watch().finally(() => {
      this.#watching = undefined;
    });
  }

  async #watch(): Promise<void> {
    const { signal, changed } = this.#options;
    let before = '';
    while (!signal.aborted) {
      const upgrade = (await this.#status())?.upgrade;
      const state = JSON.stringify(upgrade);
      if (state !== before) changed();
      before = state;
      if (upgrade?.state !== 'running') return;
      await sleep(interval, undefined, { signal }).catch(() => {});
    }
  }

  async #status(): Promise<MonitorStatus | undefined> {
    return this.#options.monitor.status().catch((error: unknown) => {
      this.#options.logger.warn({ reason: String(error) }, 'the monitor does not tell its status');
      return undefined;
    });
  }
}
