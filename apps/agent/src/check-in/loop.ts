import type { CheckIn } from '@culvert/contracts';
import type { ControlPlane } from '@culvert/control-plane-client/control-plane.ts';
import { Refused } from '@culvert/control-plane-client/failures.ts';
import type { UnderstoodAnswer } from '@culvert/control-plane-client/understood-answer.ts';
import { type CheckInAction, type CheckInEvent, firstState, step } from './machine.ts';

export interface CheckInLoopOptions {
  /** The way to the control plane at this moment; another one after the server has joined again or renewed. */
  controlPlane: () => ControlPlane;
  gather: () => Promise<CheckIn>;
  /** Takes over an answer. It may not wait for what the answer asks for. */
  answered: (told: CheckIn, answer: UnderstoodAnswer) => Promise<void>;
  failed: (error: unknown) => void;
  random: () => number;
  /** Milliseconds of a clock that only goes forward. */
  clock: () => number;
}

/** The timer is never longer, so that a machine that slept is noticed. */
const longestTimer = 60_000;

/** Runs the state machine of the check-ins: its timer, its requests, its answers. */
export class CheckInLoop {
  readonly #options: CheckInLoopOptions;
  #state;
  #timer: NodeJS.Timeout | undefined;
  #checkIn = new AbortController();
  #wait = new AbortController();
  #isRunning = false;

  constructor(options: CheckInLoopOptions) {
    this.#options = options;
    this.#state = firstState(options.clock());
  }

  /** Until then nothing happens. */
  start(): void {
    this.#isRunning = true;
    this.#happen({ kind: 'tick' });
  }

  /** Something is to be told soon. */
  news(): void {
    this.#happen({ kind: 'news' });
  }

  /** There is another certificate: what is under way with the one of before is given up. */
  joined(): void {
    this.#checkIn.abort();
    this.#wait.abort();
    this.#happen({ kind: 'joined' });
  }

  stop(): void {
    this.#isRunning = false;
    clearTimeout(this.#timer);
    this.#checkIn.abort();
    this.#wait.abort();
  }

  #happen(event: CheckInEvent): void {
    if (!this.#isRunning) return;
    const { clock, random } = this.#options;
    const { state, actions } = step(this.#state, event, clock(), random());
    this.#state = state;
    for (const action of actions) this.#act(action);
    clearTimeout(this.#timer);
    if (state.isCheckingIn) return;
    const rest = Math.min(Math.max(0, state.dueAt - clock()), longestTimer);
    this.#timer = setTimeout(() => this.#happen({ kind: 'tick' }), Math.ceil(rest));
  }

  #act(action: CheckInAction): void {
    if (action.kind === 'endWait') {
      this.#wait.abort();
      return;
    }
    const request = action.kind === 'checkIn' ? this.#checkInOnce() : this.#waitOnce(action.cursor);
    // Both resolve in any case.
    void request.then((event) => this.#happen(event));
  }

  async #checkInOnce(): Promise<CheckInEvent> {
    this.#checkIn = new AbortController();
    const { signal } = this.#checkIn;
    const { controlPlane, gather, answered, failed } = this.#options;
    try {
      const told = await gather();
      const answer = await controlPlane().checkIn(told, signal);
      await answered(told, answer);
      return { kind: 'answered', nextSeconds: answer.nextCheckInSeconds, cursor: answer.cursor };
    } catch (error) {
      if (this.#isRunning && !signal.aborted) failed(error);
      if (!(error instanceof Refused)) return { kind: 'failed' };
      const { code, retryAfter } = error;
      return { kind: 'refused', code, ...(retryAfter === undefined ? {} : { retryAfter }) };
    }
  }

  async #waitOnce(cursor: string): Promise<CheckInEvent> {
    this.#wait = new AbortController();
    try {
      const hasChanged = await this.#options.controlPlane().wait(cursor, this.#wait.signal);
      return { kind: 'waitAnswered', hasChanged, cursor };
    } catch {
      // The check-in that follows finds out why, and says it.
      return { kind: 'waitFailed' };
    }
  }
}
