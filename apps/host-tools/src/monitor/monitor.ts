import { setTimeout as sleep } from 'node:timers/promises';
import type { MonitoredProcess, MonitorStatus } from '@culvert/contracts';
import { Failure } from '../program/failure.ts';
import type { Host, Watch } from './host.ts';
import { beginUpgrade, carryOutUpgrade, type HostStateStore, wantedReleases } from './host-upgrade.ts';
import type { Intents } from './intents.ts';
import type { Logger } from './logger.ts';
import { ReleaseError } from './releases.ts';

/** What is asked for cannot be done now; the message says why. */
export class Refusal extends Failure {}

export interface MonitorOptions {
  /** Makes what gateway and agent run in. */
  host: (watch: Watch) => Host;
  state: HostStateStore;
  intents: Intents;
  logger: Logger;
  /** How often the host is looked at. */
  watchMilliseconds?: number;
  /** When a step that could not be written down is done again. */
  writeMilliseconds?: number;
}

const watchMilliseconds = 2_000;
const writeMilliseconds = 10_000;

/** Keeps gateway and agent of one host running, and changes their release. */
export class Monitor {
  readonly #options: MonitorOptions;
  readonly #host: Host;
  readonly #abort = new AbortController();
  /** Operations on processes run one after the other. */
  #queue: Promise<unknown> = Promise.resolve();
  #watching: Promise<void> | undefined;
  /** Why the last look failed. */
  #trouble: string | undefined;

  constructor(options: MonitorOptions) {
    this.#options = options;
    const { intents } = options;
    this.#host = options.host({
      signal: this.#abort.signal,
      isStopped: (name) => intents.read().has(name),
      wanted: () => wantedReleases(options.state.read()),
    });
  }

  /** Takes over what runs, starts what does not, and goes on with an upgrade that was interrupted. */
  async start(): Promise<void> {
    const { state, logger } = this.#options;
    this.#host.adopt();
    const { upgrade } = state.read();
    if (upgrade === undefined) {
      await this.#exclusive(() => this.#host.run(wantedReleases(state.read()))).catch((error: unknown) => {
        // Without a release nothing will run; everything else may be otherwise at the next look.
        if (error instanceof ReleaseError) throw error;
        logger.error({ reason: reasonOf(error) }, 'not everything runs yet');
      });
    } else {
      logger.warn({ version: upgrade.version, step: upgrade.step }, 'an upgrade was interrupted and goes on');
      void this.#exclusive(() => this.#carryOut());
    }
    this.#watching = this.#keepWatching();
  }

  async status(): Promise<MonitorStatus> {
    const available = await this.#host.versions();
    const { version, report } = this.#options.state.read();
    return {
      version,
      available,
      processes: this.#host.statuses(Date.now()),
      ...(report === undefined ? {} : { upgrade: report }),
    };
  }

  /** Resolves when the process has been started again; a server ends with its engine. Rejects with a `Refusal`. */
  async restart(name: MonitoredProcess): Promise<void> {
    await this.#change(name, 'restarting', async () => {
      this.#note(name, true);
      await this.#host.restart(name);
    });
  }

  /** Resolves when it has been started. Rejects with a `Refusal`. */
  async startProcess(name: MonitoredProcess): Promise<void> {
    await this.#change(name, 'starting', async () => {
      this.#note(name, true);
      await this.#host.start(name);
    });
  }

  /** Resolves when it has ended; it stays so until somebody starts it, also when this monitor ends. Rejects with a `Refusal`. */
  async stopProcess(name: MonitoredProcess): Promise<void> {
    await this.#change(name, 'stopping', async () => {
      this.#note(name, false);
      await this.#host.stop(name);
    });
  }

  /**
   * Begins an upgrade and returns; the status tells how it goes. Nothing is done for the release that runs or that an upgrade
   * is under way to. Rejects with a `Refusal`, or a `ReleaseError` when the release cannot be used.
   */
  async upgrade(version: string): Promise<void> {
    const { state, logger } = this.#options;
    const { upgrade } = state.read();
    if (upgrade?.version === version && upgrade.step !== 'back') return;
    this.#refuseDuringUpgrade();
    if (state.read().version === version) return;
    this.#refuseWhileStopped();
    await this.#host.expect(version);
    const before = await this.#host.before();
    // Another request may have come in between.
    this.#refuseDuringUpgrade();
    if (state.read().version === version) return;
    logger.info({ from: state.read().version, version }, 'an upgrade begins');
    state.write(beginUpgrade(state.read(), version, before, new Date().toISOString()));
    void this.#exclusive(() => this.#carryOut());
  }

  /** The gateway reads its configuration again. */
  reload(): void {
    void this.#exclusive(() => this.#host.reload());
  }

  /** Resolves when nothing is under way any more. */
  async idle(): Promise<void> {
    await this.#queue;
  }

  /** Ends what ends with its monitor. An upgrade goes on at the next start. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#watching;
    await this.#exclusive(() => this.#host.end());
  }

  async #change(name: MonitoredProcess, what: string, task: () => Promise<void>): Promise<void> {
    this.#refuseDuringUpgrade();
    this.#options.logger.info({ process: name }, `${what} as it was asked for`);
    await this.#exclusive(task);
  }

  #note(name: MonitoredProcess, isWanted: boolean): void {
    const { intents } = this.#options;
    const stopped = new Set(intents.read());
    if (isWanted === !stopped.has(name)) return;
    if (isWanted) stopped.delete(name);
    else stopped.add(name);
    intents.write(stopped);
  }

  #refuseDuringUpgrade(): void {
    const { upgrade } = this.#options.state.read();
    if (upgrade === undefined) return;
    throw new Refusal({
      en: `an upgrade to ${upgrade.version} is under way; try again when it has ended`,
      ja: `${upgrade.version} へのアップグレードを実行中です。完了してから、もう一度実行してください`,
    });
  }

  /** What does not run cannot be shown to be well. */
  #refuseWhileStopped(): void {
    const [stopped] = this.#options.intents.read();
    if (stopped === undefined) return;
    throw new Refusal({
      en: `the ${stopped} was stopped by an administrator; start it first: mst-cli ${stopped} start`,
      ja: `${stopped === 'server' ? 'サーバー' : 'エージェント'}は管理者によって停止されています。先に起動してください: mst-cli ${stopped} start`,
    });
  }

  async #carryOut(): Promise<void> {
    const { state, logger } = this.#options;
    await this.#untilWritten(() => carryOutUpgrade(state, this.#host, () => new Date(), this.#abort.signal));
    const { report, upgrade } = state.read();
    if (upgrade !== undefined || report === undefined) return;
    const { version, reason } = report;
    if (report.state === 'done') logger.info({ version }, 'the upgrade is done');
    else logger.error({ version, reason }, 'the upgrade has failed; the release of before is in use');
  }

  /** Steps may be done twice, but an upgrade whose outcome cannot be written down must not stay as it is for ever. */
  async #untilWritten(task: () => Promise<void>): Promise<void> {
    const { signal } = this.#abort;
    const { logger, writeMilliseconds: interval = writeMilliseconds } = this.#options;
    while (!signal.aborted) {
      try {
        await task();
        return;
      } catch (error) {
        logger.error(
          { reason: reasonOf(error) },
          'the step of the upgrade cannot be written down, and is done again',
        );
        await sleep(interval, undefined, { signal }).catch(() => {});
      }
    }
  }

  async #keepWatching(): Promise<void> {
    const { signal } = this.#abort;
    const { logger, state, watchMilliseconds: interval = watchMilliseconds } = this.#options;
    while (!signal.aborted) {
      await sleep(interval, undefined, { signal }).catch(() => {});
      if (signal.aborted || state.read().upgrade !== undefined) continue;
      const reason = await this.#exclusive(() => this.#host.look()).then(() => undefined, reasonOf);
      // The same trouble at each look would fill the log.
      if (reason !== undefined && reason !== this.#trouble)
        logger.error({ reason }, 'cannot look after this host');
      this.#trouble = reason;
    }
  }

  #exclusive<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#queue.then(task);
    // Whoever asked hears of a failure; the next task runs in any case.
    this.#queue = result.catch((error: unknown) => {
      this.#options.logger.debug({ reason: String(error) }, 'a task of the monitor failed');
    });
    return result;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
