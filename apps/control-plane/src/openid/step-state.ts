import { z } from 'zod';
import type { Context } from '../context.ts';

/** Milliseconds from one step of a sign-in to the next. */
const stepTime = 10 * 60_000;

const schema = z.object({
  /** Of the interaction that the steps belong to. */
  uid: z.string(),
  accountId: z.string().optional(),
  /** Marks the password with which the account proved itself; another password since then ends the sign-in. */
  passwordMark: z.string().optional(),
  /** How the account has proved itself so far: `password`, `totp`. */
  methods: z.array(z.string()),
  expires: z.number(),
});

/** What a sign-in has got to. It travels sealed in the form, so that any replica takes the next step. */
export type StepState = z.output<typeof schema>;

/** The state at the beginning. */
export function firstState(uid: string): Omit<StepState, 'expires'> {
  return { uid, methods: [] };
}

export function sealState(
  { secrets, now }: Pick<Context, 'secrets' | 'now'>,
  state: Omit<StepState, 'expires'>,
): string {
  const expires = now().getTime() + stepTime;
  return secrets.seal(JSON.stringify({ ...state, expires }), purpose(state.uid));
}

/** The state of this interaction; undefined when it was changed, has ended, or belongs to another one. */
export function openState(
  { secrets, now }: Pick<Context, 'secrets' | 'now'>,
  sealed: string,
  uid: string,
): StepState | undefined {
  let text: string;
  try {
    text = secrets.open(sealed, purpose(uid));
  } catch {
    // It comes from outside; a text that does not open is one that was changed.
    return undefined;
  }
  const state = schema.parse(JSON.parse(text));
  return state.expires > now().getTime() ? state : undefined;
}

function purpose(uid: string): string {
  return `sign-in steps of ${uid}`;
}
