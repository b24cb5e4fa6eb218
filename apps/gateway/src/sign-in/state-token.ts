import { createHmac, timingSafeEqual } from 'node:crypto';

/** What one sign-in remembers between its steps. */
export interface SignInState {
  /** Tells one sign-in from another. */
  nonce: string;
  startedAt: number;
  /** Wrong passwords so far. */
  failures: number;
}

/** A person has this long to type a password (ocserv gives 240 s). */
export const signInMilliseconds = 5 * 60_000;

const nonceDigits = 16;
const payloadDigits = nonceDigits + 12 + 2;
const signatureDigits = 32;
const shape = new RegExp(`^[0-9a-f]{${payloadDigits + signatureDigits}}$`);

/**
 * The state of a sign-in as a token that the client carries, in `<opaque>` and in a cookie: connections may
 * change between two steps (protocol.md §1.1), and strangers who start sign-ins cost no memory.
 */
export function sealState(state: SignInState, key: Buffer): string {
  const payload =
    state.nonce +
    state.startedAt.toString(16).padStart(12, '0') +
    Math.min(state.failures, 255).toString(16).padStart(2, '0');
  return payload + sign(payload, key);
}

/** The state in a token, or undefined when it is forged, mutilated or too old. */
export function openState(token: string | undefined, key: Buffer, now: number): SignInState | undefined {
  if (token === undefined || !shape.test(token)) return undefined;
  const payload = token.slice(0, payloadDigits);
  if (!timingSafeEqual(Buffer.from(sign(payload, key)), Buffer.from(token.slice(payloadDigits))))
    return undefined;
  const startedAt = Number.parseInt(payload.slice(nonceDigits, nonceDigits + 12), 16);
  if (now - startedAt > signInMilliseconds) return undefined;
  return {
    nonce: payload.slice(0, nonceDigits),
    startedAt,
    failures: Number.parseInt(payload.slice(-2), 16),
  };
}

function sign(payload: string, key: Buffer): string {
  return createHmac('sha256', key).update(payload).digest('hex').slice(0, signatureDigits);
}
