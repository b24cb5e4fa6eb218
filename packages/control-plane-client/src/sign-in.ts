import {
  customFetch,
  discovery,
  initiateDeviceAuthorization,
  None,
  pollDeviceAuthorizationGrant,
  ResponseBodyError,
} from 'openid-client';
import type { Fetch } from './web.ts';

/** The client of the control plane for programs without a browser. */
const clientId = 'culvert-tools';

/** Shows where to sign in, and with which code. */
export type ShowCode = (address: string, code: string) => void;

/** Signs an administrator in by device code (RFC 8628); resolves to an access token, which is kept nowhere. */
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
      throw new Error(explain(error), { cause: error });
    },
  );
  return token;
}

/** Errors of RFC 8628 §3.5 in words. */
function explain(error: unknown): string {
  const code = error instanceof ResponseBodyError ? error.error : undefined;
  if (code === 'access_denied') return 'the sign-in was refused in the browser; this server has not joined';
  if (code === 'expired_token') return 'nobody has signed in in time; run this again';
  return `the sign-in failed: ${error instanceof Error ? error.message : String(error)}`;
}
