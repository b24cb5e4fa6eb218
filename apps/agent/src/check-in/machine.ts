import type { AgentRefusalCode } from '@culvert/contracts';
import { backOff, pace, spread } from './delays.ts';

/** What the control plane has to say for a server to join again. */
export const endsMembership: readonly AgentRefusalCode[] = [
  'unknownCertificate',
  'certificateExpired',
  'certificateRevoked',
  'serverDeleted',
];

export interface CheckInState {
  /** When the next check-in is due. */
  dueAt: number;
  isCheckingIn: boolean;
  isWaiting: boolean;
  /** When the last check-in began. */
  begunAt: number;
  /** Something is to be told that the check-in under way does not have. */
  hasNews: boolean;
  /** Check-ins in a row that failed. */
  failures: number;
}

export type CheckInEvent =
  /** Time has passed. */
  | { kind: 'tick' }
  | { kind: 'answered'; nextSeconds: number; cursor: string }
  /** No answer; `retryAfter` in milliseconds. */
  | { kind: 'failed'; retryAfter?: number }
  | { kind: 'refused'; code: AgentRefusalCode; retryAfter?: number }
  | { kind: 'waitAnswered'; hasChanged: boolean; cursor: string }
  | { kind: 'waitFailed' }
  /** Something is to be told before the next check-in would be. */
  | { kind: 'news' }
  /** The server has joined, or has another certificate. */
  | { kind: 'joined' };

export type CheckInAction = { kind: 'checkIn' } | { kind: 'wait'; cursor: string } | { kind: 'endWait' };

export interface Step {
  state: CheckInState;
  actions: CheckInAction[];
}

/** A server that has just started: its first check-in is due at once. */
export function firstState(now: number): CheckInState {
  return {
    dueAt: now,
    isCheckingIn: false,
    isWaiting: false,
    begunAt: Number.NEGATIVE_INFINITY,
    hasNews: false,
    failures: 0,
  };
}

/**
 * Decides when to check in and when to wait. `now` in milliseconds of a clock that only goes forward, `random` of [0, 1).
 * Call it again with a tick at `dueAt` of the state that it returns.
 */
export function step(before: CheckInState, event: CheckInEvent, now: number, random: number): Step {
  const state = { ...before };
  const actions: CheckInAction[] = [];
  consider(state, event, now, random, actions);
  if (!state.isCheckingIn && state.dueAt <= now) {
    state.isCheckingIn = true;
    state.hasNews = false;
    state.begunAt = now;
    actions.push({ kind: 'checkIn' });
  }
  return { state, actions };
}

function consider(
  state: CheckInState,
  event: CheckInEvent,
  now: number,
  random: number,
  actions: CheckInAction[],
): void {
  switch (event.kind) {
    case 'tick':
      return;
    case 'answered':
      state.isCheckingIn = false;
      state.failures = 0;
      state.dueAt = now + spread(event.nextSeconds * 1000, pace.jitter, random);
      if (state.hasNews) hurry(state, now);
      if (!state.isWaiting) wait(state, event.cursor, actions);
      return;
    case 'failed':
      backAway(state, event.retryAfter, now, random);
      return;
    case 'refused':
      if (!endsMembership.includes(event.code)) {
        backAway(state, event.retryAfter, now, random);
        return;
      }
      state.isCheckingIn = false;
      state.failures += 1;
      state.dueAt = now + spread(pace.refused, pace.jitter, random);
      if (state.isWaiting) actions.push({ kind: 'endWait' });
      return;
    case 'waitAnswered':
      state.isWaiting = false;
      if (event.hasChanged) news(state, now);
      else if (state.failures === 0) wait(state, event.cursor, actions);
      return;
    case 'waitFailed':
      state.isWaiting = false;
      // The check-in finds out what is wrong, and begins to wait again.
      if (state.failures === 0) state.dueAt = Math.min(state.dueAt, now + random * pace.afterLostWait);
      return;
    case 'news':
      news(state, now);
      return;
    case 'joined':
      state.failures = 0;
      news(state, now);
      return;
  }
}

function wait(state: CheckInState, cursor: string, actions: CheckInAction[]): void {
  state.isWaiting = true;
  actions.push({ kind: 'wait', cursor });
}

/** While the control plane is away, whatever there is to tell waits for it to be back. */
function news(state: CheckInState, now: number): void {
  if (state.isCheckingIn) state.hasNews = true;
  else if (state.failures === 0) hurry(state, now);
}

function hurry(state: CheckInState, now: number): void {
  state.dueAt = Math.min(state.dueAt, Math.max(now, state.begunAt + pace.atOnce));
}

function backAway(state: CheckInState, retryAfter: number | undefined, now: number, random: number): void {
  state.isCheckingIn = false;
  state.failures += 1;
  state.dueAt = now + backOff(state.failures, retryAfter, random);
}
