import { setTimeout as sleep } from 'node:timers/promises';
import { checkInAnswerSchema, longestWaitSeconds, waitAnswerSchema } from '@culvert/contracts';
import { checkInDocument } from './documents.ts';
import type { Identity, Listener } from './identity.ts';
import { AgentConnections } from './requests.ts';

/** One check-in. Times in milliseconds since the epoch and of duration. */
export interface CheckInRecord {
  agent: number;
  at: number;
  milliseconds: number;
  /** Status of the answer, or why there was none. */
  outcome: number | string;
}

export interface AgentTask {
  index: number;
  identity: Identity;
  listener: Listener;
  /** Seconds until the first check-in. */
  firstAfterSeconds: number;
}

/** Those of the real agent: apps/agent/src/check-in/delays.ts. */
const jitterShare = 0.1;
const firstBackOffSeconds = 1;
const longestBackOffSeconds = 300;
const afterLostWaitSeconds = 10;
const answerTimeout = 30_000;
const waitTimeout = (longestWaitSeconds + 20) * 1_000;
/** Samples that are kept while the control plane is away. */
const mostKept = 60;

/**
 * The side of an agent that the control plane sees: check-ins of real documents, one held request, and the way in which it comes
 * back after an outage. What it would measure is made up.
 */
export class SimulatedAgent {
  readonly #task: AgentTask;
  #connections: AgentConnections;
  readonly #record: (record: CheckInRecord) => void;
  readonly #stopping = new AbortController();
  #appliedRevision: string | undefined;
  #cursor: string | undefined;
  #samples: Date[] = [];
  #failures = 0;
  #alarm = new AbortController();

  constructor(task: AgentTask, record: (record: CheckInRecord) => void) {
    this.#task = task;
    this.#record = record;
    this.#connections = new AgentConnections(task.listener, task.identity);
  }

  /** Runs until it is stopped. */
  async run(): Promise<void> {
    await this.#pause(this.#task.firstAfterSeconds);
    await Promise.all([this.#checkInForEver(), this.#waitForEver()]);
  }

  stop(): void {
    this.#stopping.abort();
    this.#connections.close();
  }

  /** Drops its connections and checks in at once. */
  rush(): void {
    const { listener, identity } = this.#task;
    this.#connections.close();
    this.#connections = new AgentConnections(listener, identity);
    this.#alarm.abort();
  }

  async #checkInForEver(): Promise<void> {
    while (!this.#isStopping) {
      const nextSeconds = await this.#checkIn();
      this.#alarm = new AbortController();
      await this.#pause(nextSeconds, this.#alarm.signal);
    }
  }

  /** Checks in once; resolves to the seconds until the next time. */
  async #checkIn(): Promise<number> {
    const now = new Date();
    this.#samples = [...this.#samples, now].slice(-mostKept);
    const document = checkInDocument({
      index: this.#task.index,
      now,
      appliedRevision: this.#appliedRevision,
      sampleTimes: this.#samples,
    });
    const began = performance.now();
    const finish = (outcome: number | string) =>
      this.#record({
        agent: this.#task.index,
        at: now.getTime(),
        milliseconds: performance.now() - began,
        outcome,
      });
    try {
      const { status, body } = await this.#connections.post('/agent/v1/check-in', document, answerTimeout);
      finish(status);
      if (status !== 200) return this.#backOff();
      const answer = checkInAnswerSchema.parse(body);
      this.#samples = [];
      this.#failures = 0;
      this.#cursor = answer.cursor;
      this.#appliedRevision = answer.configuration?.revision ?? this.#appliedRevision;
      return answer.nextCheckInSeconds * (1 - jitterShare + 2 * jitterShare * Math.random());
    } catch (error) {
      if (this.#isStopping) return 0;
      finish(describe(error));
      return this.#backOff();
    }
  }

  /** Exponential with full jitter, so that a fleet that lost its control plane does not come back in step. */
  #backOff(): number {
    const ceiling = Math.min(longestBackOffSeconds, firstBackOffSeconds * 2 ** this.#failures);
    this.#failures += 1;
    return ceiling * Math.random();
  }

  async #waitForEver(): Promise<void> {
    while (!this.#isStopping) {
      if (this.#cursor === undefined) {
        await this.#pause(firstBackOffSeconds);
        continue;
      }
      try {
        const { status, body } = await this.#connections.post(
          '/agent/v1/wait',
          { cursor: this.#cursor },
          waitTimeout,
        );
        if (status !== 200) throw new Error(`status ${status}`);
        if (waitAnswerSchema.parse(body).hasChanged) this.#alarm.abort();
      } catch {
        // The check-ins record what fails. A held request is asked again once one of them has been answered.
        this.#cursor = undefined;
        await this.#pause(afterLostWaitSeconds * Math.random());
      }
    }
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #pause(seconds: number, alarm?: AbortSignal): Promise<void> {
    const signals = [this.#stopping.signal, ...(alarm === undefined ? [] : [alarm])];
    await sleep(seconds * 1_000, undefined, { signal: AbortSignal.any(signals) }).catch(() => undefined);
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
