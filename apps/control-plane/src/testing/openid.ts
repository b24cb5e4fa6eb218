import { type Configuration, customFetch, discovery, None } from 'openid-client';
import type { Browser, Seen } from './browser.ts';
import type { ControlPlanes } from './running-control-plane.ts';
import { publicUrl } from './running-control-plane.ts';

export const issuer = `${publicUrl}/openid`;
export const newPassword = 'seven tall ships';

/** What `openid-client` found out about the provider, for a client of ours. */
export async function discover(
  { fetch }: Pick<ControlPlanes, 'fetch'>,
  clientId: string,
): Promise<Configuration> {
  return discovery(new URL(issuer), clientId, undefined, None(), {
    [customFetch]: (url, { method, headers, body }) =>
      fetch(url, { method, headers: Object.fromEntries(new Headers(headers)), body: body?.toString() }),
  });
}

/** Signs in on the page that the browser shows; chooses a new password when one is asked for. */
export async function signIn(browser: Browser, userName: string, password: string): Promise<Seen> {
  const seen = await browser.submit({ userName, password });
  if (!seen.text.includes('Choose a new password')) return seen;
  return browser.submit({ password: newPassword, repeated: newPassword });
}
