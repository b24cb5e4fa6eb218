import { setTimeout as sleep } from 'node:timers/promises';
import type { MonitoredProcess, MonitorStatus } from '@culvert/contracts';
import type { ContainerEngine, ContainerState } from '../container-engine/container-engine.ts';
import { type BackOffRule, backOffRule, delayAfter } from '../monitor/back-off.ts';
import type { Logger } from '../monitor/logger.ts';
import { identify, isRunning, type ProcessIdentity } from '../monitor/process-identity.ts';
import { Silence, SteadyHealth } from '../monitor/silence.ts';
import { containerNames, previousName } from './names.ts';
import { type Found, nextStep, type Step } from './next-step.ts';
import { type ContainerSpecification, specificationLabel } from './specification.ts';

export interface KeptContainerOptions {
  process: MonitoredProcess;
  engine: ContainerEngine;
  logger: Logger;
  /** Seconds that it is given to end in order. */
  stopSeconds: () => Promise<number>;
  /** How long it may be unhealthy, beyond what its health check allows. */
  patienceMilliseconds: number;
  signal: AbortSignal;
  backOff?: BackOffRule;
}

const hour = 3_600_000;
/** How long a new container has until it is healthy: the gateway takes seconds, a host under full load a minute. */
const wellWithinMilliseconds = 90_000;
const lookMilliseconds = 1_000;
/** Asking an engine costs a process; whether the first process of a container lives costs nothing. */
const askMilliseconds = 10_000;
/** Lines of a container that did not get well, for the log. */
const lastLines = 20;

/** Keeps one container of a server what it should be. Its methods must not overlap. */
export class KeptContainer {
  readonly name: string;
  readonly #options: KeptContainerOptions;
  readonly #backOff: BackOffRule;
  readonly #health: Silence;
  #state: ContainerState | undefined;
  #identity: ProcessIdentity | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  /** Unix time in milliseconds before which it is not started again. */
  #notBefore = 0;
  #delay: number | undefined;
  /** Times at which it ended by itself. */
  #endings: number[] = [];
  #lastEnding: string | undefined;
  /** A change that was seen once: a file may be in the middle of being edited. */
  #seen: string | undefined;
  /** A specification that did not get well, so that it does not take the place of a good one again. */
  #refused: string | undefined;

  constructor(options: KeptContainerOptions) {
    this.#options = options;
    this.name = containerNames[options.process];
    this.#backOff = options.backOff ?? backOffRule;
    this.#health = new Silence(options.patienceMilliseconds);
  }

  /** As it was at the last look; `isStopped` when an administrator wants it so. */
  status(now: number, isStopped: boolean): MonitorStatus['processes'][MonitoredProcess] {
    const state = this.#state;
    const runs = state?.state === 'running';
    return {
      state: runs ? 'running' : isStopped ? 'stopped' : 'waiting',
      ...(runs && state.processId !== undefined ? { processId: state.processId } : {}),
      ...(state === undefined ? {} : { health: state.health }),
      endings: this.#endings.filter((at) => at > now - hour).length,
      ...(this.#lastEnding === undefined ? {} : { lastEnding: this.#lastEnding }),
    };
  }

  /** When the one that was looked at last was started. */
  get startedAt(): string | undefined {
    return this.#state?.startedAt;
  }

  /** Asks the engine how it is. */
  async inspect(): Promise<ContainerState> {
    const { engine } = this.#options;
    if (this.#state?.state === 'running') await engine.refreshHealth(this.name);
    const state = await engine.inspect(this.name);
    this.#state = state;
    this.#identity = state.processId === undefined ? undefined : identify(state.processId);
    return state;
  }

  /** One look at one that an administrator has stopped: it is left as it is. */
  async observe(): Promise<void> {
    if (performance.now() - this.#askedAt < askMilliseconds) return;
    this.#askedAt = performance.now();
    await this.inspect();
  }

  /**
   * One look. Without a specification, because something that it follows from cannot be read, the container that is there is kept
   * running as it is.
   */
  async look(specify: () => Promise<ContainerSpecification | undefined>): Promise<void> {
    const now = performance.now();
    const lives = this.#identity !== undefined && isRunning(this.#identity);
    if (lives && now - this.#askedAt < askMilliseconds) return;
    this.#askedAt = now;
    const before = this.#state;
    const specification = await specify();
    const found = { current: await this.inspect(), previous: await this.#previous() };
    this.#noteEnding(before, found.current);
    const wanted = this.#wantedNow(found, specification);
    if (wanted === undefined) return;
    const step = nextStep(found, wanted);
    if (step === 'nothing') return this.#lookAtHealth(found.current, specification);
    if (Date.now() < this.#notBefore) return;
    try {
      if (step === 'start') await this.#start();
      else await this.#converge(wanted, specification);
    } catch (error) {
      this.#putOff(0);
      throw error;
    }
  }

  /**
   * Makes it run as specified. Whatever was there before comes back when the new one does not get well; rejects with the reason
   * then.
   */
  async ensure(specification: ContainerSpecification): Promise<void> {
    this.#refused = undefined;
    this.#notBefore = 0;
    await this.#converge(specification.digest, specification);
  }

  /** Stops it; nothing happens when it does not run. */
  async stop(): Promise<void> {
    const { state } = await this.inspect();
    if (state === 'running' || state === 'paused') await this.#stop();
    await this.inspect();
  }

  /** Stops it and starts it again, as what it should be now. */
  async restart(specification: ContainerSpecification): Promise<void> {
    const found = { current: await this.inspect(), previous: await this.#previous() };
    if (nextStep(found, specification.digest) === 'nothing') await this.#stop();
    await this.ensure(specification);
  }

  async #converge(wanted: string, specification: ContainerSpecification | undefined): Promise<void> {
    for (;;) {
      const found = { current: await this.inspect(), previous: await this.#previous() };
      const step = nextStep(found, wanted);
      if (step === 'nothing') return;
      try {
        await this.#carryOut(step, found, specification);
      } catch (error) {
        const isTrial = (step === 'create' || step === 'prove') && found.previous.state !== 'missing';
        // A monitor that ends in the middle decides nothing; the next one goes on with the trial.
        if (!isTrial || this.#options.signal.aborted) throw error;
        await this.#putBack(wanted, error);
      }
    }
  }

  /** Ends a trial of a new container; throws why. */
  async #putBack(wanted: string, error: unknown): Promise<never> {
    const { engine, logger } = this.#options;
    const reason = error instanceof Error ? error.message : String(error);
    const log = await engine.recentLog(this.name, lastLines).catch(() => '');
    logger.error(
      { container: this.name, reason, log },
      'the new container is not well; the one of before comes back',
    );
    this.#refused = wanted;
    await this.#restore();
    throw new Error(`${reason}; the container of before is back`, { cause: error });
  }

  async #carryOut(
    step: Step,
    { current }: Found,
    specification: ContainerSpecification | undefined,
  ): Promise<void> {
    const { engine, logger } = this.#options;
    const previous = previousName(this.name);
    switch (step) {
      case 'create':
        if (specification === undefined) throw new Error(`${this.name} cannot be created now`);
        logger.info({ container: this.name, image: specification.words.at(-1) }, 'creating the container');
        return engine.run(specification.words);
      case 'start':
        return this.#start();
      case 'setAside':
        logger.info({ container: this.name }, 'the container is replaced: what it was made from has changed');
        if (current.state === 'running') await this.#stop();
        return engine.rename(this.name, previous);
      case 'prove':
        return this.#prove(current);
      case 'restore':
        return this.#restore();
      case 'nothing':
        return;
    }
  }

  async #prove({ state }: ContainerState): Promise<void> {
    const { engine } = this.#options;
    if (state !== 'running') await engine.start(this.name);
    const problem = await this.#untilWell();
    if (problem !== undefined) throw new Error(`${this.name} ${problem}`);
    await engine.remove(previousName(this.name));
  }

  /** The previous one takes the place of the current one, and runs. */
  async #restore(): Promise<void> {
    const { engine } = this.#options;
    await engine.remove(this.name);
    await engine.rename(previousName(this.name), this.name);
    await engine.start(this.name);
    await this.inspect();
  }

  /** Resolves to what is wrong with a container that was just started; undefined once it is healthy. */
  async #untilWell(): Promise<string | undefined> {
    const { signal } = this.#options;
    const health = new SteadyHealth(performance.now(), {
      withinMilliseconds: wellWithinMilliseconds,
      settleMilliseconds: 0,
    });
    for (;;) {
      const state = await this.inspect();
      if (state.state === 'exited') return `ended with status ${state.exitCode ?? 'unknown'}`;
      const verdict = health.observe(
        performance.now(),
        state.state === 'running' && state.health === 'healthy',
      );
      if (verdict === 'steady') return undefined;
      if (verdict === 'failed' || state.health === 'unhealthy')
        return `is ${state.state} and ${healthWords[state.health]}`;
      await sleep(lookMilliseconds, undefined, { signal });
    }
  }

  async #start(): Promise<void> {
    const { engine, logger } = this.#options;
    logger.info({ container: this.name }, 'starting the container');
    await engine.start(this.name);
    await this.inspect();
  }

  async #stop(): Promise<void> {
    const { engine, stopSeconds } = this.#options;
    await engine.stop(this.name, await stopSeconds());
    // It has not ended by itself.
    this.#state = undefined;
    this.#identity = undefined;
  }

  async #lookAtHealth(
    current: ContainerState,
    specification: ContainerSpecification | undefined,
  ): Promise<void> {
    const { engine, logger } = this.#options;
    if (!this.#health.observe(performance.now(), current.health !== 'unhealthy')) return;
    const log = await engine.recentLog(this.name, lastLines).catch(() => '');
    logger.error({ container: this.name, log }, 'the container stays unhealthy and is replaced');
    this.#endings.push(Date.now());
    this.#lastEnding = 'unhealthy';
    await this.#stop();
    if (specification === undefined) return this.#start();
    await engine.remove(this.name);
    await engine.run(specification.words);
    await this.inspect();
  }

  #wantedNow(
    { current, previous }: Found,
    specification: ContainerSpecification | undefined,
  ): string | undefined {
    const own = (current.state === 'missing' ? previous : current).labels[specificationLabel];
    if (specification === undefined) return own;
    const { digest } = specification;
    if (own === undefined || own === digest) {
      // A container that somebody has made by hand has no digest, and is replaced like one of another.
      this.#seen = undefined;
      return digest;
    }
    if (digest === this.#refused) return own;
    const wasSeen = this.#seen === digest;
    this.#seen = digest;
    return wasSeen ? digest : own;
  }

  #noteEnding(before: ContainerState | undefined, now: ContainerState): void {
    if (before?.state !== 'running' || now.state === 'running' || now.state === 'paused') return;
    const ran = before.startedAt === undefined ? 0 : Date.now() - Date.parse(before.startedAt);
    const how = now.state === 'missing' ? 'was removed' : `status ${now.exitCode ?? 'unknown'}`;
    this.#endings = [...this.#endings.filter((at) => at > Date.now() - hour), Date.now()];
    this.#lastEnding = how;
    this.#putOff(ran);
    this.#options.logger.error(
      { container: this.name, endings: this.#endings.length },
      `the container ended (${how}), its last lines say why; it is started again in ${(this.#delay ?? 0) / 1000} s`,
    );
  }

  #putOff(ranMilliseconds: number): void {
    this.#delay = delayAfter(this.#delay, ranMilliseconds, this.#backOff);
    this.#notBefore = Date.now() + this.#delay;
  }

  #previous(): Promise<ContainerState> {
    return this.#options.engine.inspect(previousName(this.name));
  }
}

const healthWords: Readonly<Record<ContainerState['health'], string>> = {
  healthy: 'healthy',
  unhealthy: 'unhealthy',
  starting: 'not healthy yet',
  none: 'without a result of its health check',
};
