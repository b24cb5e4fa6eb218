import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MonitoredProcess, MonitorStatus } from '@culvert/contracts';
import { AgentWatch } from './agent-watch.ts';
import { Host, type HostOptions } from './host.ts';
import { beginUpgrade, carryOutUpgrade, type HostStateStore, wantedReleases } from './host-upgrade.ts';
import { ServerWatch } from './server-watch.ts';

/** What is asked for cannot be done now; the message says why. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

export interface MonitorOptions extends Omit<HostOptions, 'signal'> {
  state: HostStateStore;
  /** How long a gateway may serve nobody. */
  patienceMilliseconds?: number;
  /** How often it is looked at. */
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
  readonly #watch: ServerWatch;
  readonly #agentWatch: AgentWatch;
  readonly #abort = new AbortController();
  /** Operations on processes run one after the other. */
  #queue: Promise<unknown> = Promise.resolve();
  #watching: Promise<void> | undefined;

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#host = new Host({ ...options, signal: this.#abort.signal });
    const { patienceMilliseconds, directory, logger } = options;
    const patience = patienceMilliseconds === undefined ? {} : { patience: patienceMilliseconds };
    const configurationFile = join(directory, 'gateway.json');
    this.#watch = new ServerWatch({ host: this.#host, configurationFile, logger, ...patience });
    this.#agentWatch = new AgentWatch({ host: this.#host, logger, ...patience });
  }

  /** Takes over what runs, starts what does not, and goes on with an upgrade that was interrupted. */
  async start(): Promise<void> {
    const { state, logger } = this.#options;
    this.#host.adopt();
    const { upgrade } = state.read();
    if (upgrade === undefined) {
      await this.#exclusive(() => this.#host.run(wantedReleases(state.read())));
    } else {
      logger.warn({ version: upgrade.version, step: upgrade.step }, 'an upgrade was interrupted and goes on');
      void this.#exclusive(() => this.#carryOut());
    }
    this.#watching = this.#keepWatching();
  }

  status(): MonitorStatus {
    const now = Date.now();
    const { version, report } = this.#options.state.read();
    return {
      version,
      available: this.#options.releases.versions(),
      processes: { server: this.#host.server.status(now), agent: this.#host.agent.status(now) },
      ...(report === undefined ? {} : { upgrade: report }),
    };
  }

  /** Resolves when the process has been started again; a server ends with its engine. Rejects with a `Refusal`. */
  async restart(name: MonitoredProcess): Promise<void> {
    this.#refuseDuringUpgrade();
    this.#options.logger.info({ process: name }, 'restarting as it was asked for');
    await this.#exclusive(() => (name === 'server' ? this.#host.restartServer() : this.#host.restartAgent()));
  }

  /**
   * Begins an upgrade and returns; the status tells how it goes. Nothing is done for the release that runs or that an upgrade
   * is under way to. Rejects with a `Refusal`, or a `ReleaseError` when the release cannot be used.
   */
  async upgrade(version: string): Promise<void> {
    const { state, releases, logger } = this.#options;
    const { upgrade } = state.read();
    if (upgrade?.version === version && upgrade.step !== 'back') return;
    this.#refuseDuringUpgrade();
    if (state.read().version === version) return;
    await releases.load(version);
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
    this.#host.server.signal('SIGHUP');
  }

  /** Ends both processes in order, and the engine with them. An upgrade goes on at the next start. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#watching;
    await this.#exclusive(() => this.#host.end());
  }

  #refuseDuringUpgrade(): void {
    const { upgrade } = this.#options.state.read();
    if (upgrade === undefined) return;
    throw new Refusal(`an upgrade to ${upgrade.version} is under way; try again when it has ended`);
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
        const reason = error instanceof Error ? error.message : String(error);
        logger.error({ reason }, 'the step of the upgrade cannot be written down, and is done again');
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
      for (const watch of [this.#watch, this.#agentWatch]) {
        await this.#exclusive(() => watch.look()).catch((error: unknown) => {
          logger.error({ reason: String(error) }, 'cannot look after the processes of this host');
        });
      }
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
