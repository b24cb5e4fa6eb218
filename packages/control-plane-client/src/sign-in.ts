import {
  customFetch,
  discovery,
  initiateDeviceAuthorization,
  None,
  pollDeviceAuthorizationGrant,
  ResponseBodyError,
} from 'openid-client';
import { Unreachable } from './failures.ts';
import type { Fetch } from './web.ts';

/** The client of the control plane for programs without a browser. */
const clientId = 'culvert-tools';

/** Shows where to sign in, and with which code. */
export type ShowCode = (address: string, code: string) => void;

/** Why nobody has signed in. */
export type SignInFailureReason = 'refused' | 'expired' | 'failed';

/** Nobody has signed in; the message says why. */
export class SignInFailure extends Error {
  override readonly name = 'SignInFailure';
  readonly reason: SignInFailureReason;

  constructor(reason: SignInFailureReason, message: string, cause: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

/**
 * Signs an administrator in by device code (RFC 8628); resolves to an access token, which is kept nowhere. Rejects with
 * SignInFailure, or Unreachable when the control plane is.
 */
export async function signIn(publicUrl: string, fetch: Fetch, show: ShowCode): Promise<string> {
  const issuer = new URL(`${publicUrl}/openid`);
  const configuration = await discovery(issuer, clientId, undefined, None(), {
    [customFetch]: (url, { method, headers, body }) =>
      fetch(url, {
        method,
        headers: Object.fromEntries(new Headers(headers)),
        body: body?.toString() ?? null,
      }),
  });
  const asked = await initiateDeviceAuthorization(configuration, { scope: 'openid profile api' });
  show(asked.verification_uri, asked.user_code);
  const { access_token: token } = await pollDeviceAuthorizationGrant(configuration, asked).catch(
    (error: unknown) => {
      throw failureOf(error);
    },
  );
  return token;
}

/** Errors of RFC 8628 §3.5 in words. */
function failureOf(error: unknown): Error {
  if (error instanceof Unreachable) return error;
  const code = error instanceof ResponseBodyError ? error.error : undefined;
  if (code === 'access_denied') {
    const message = 'the sign-in was refused in the browser; this server has not joined';
    return new SignInFailure('refused', message, error);
  }
  if (code === 'expired_token') {
    return new SignInFailure('expired', 'nobody has signed in in time; run this again', error);
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new SignInFailure('failed', `the sign-in failed: ${reason}`, error);
}
