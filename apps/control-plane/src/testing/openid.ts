import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  customFetch,
  discovery,
  None,
  randomPKCECodeVerifier,
  type TokenEndpointResponse,
} from 'openid-client';
import { adminCentre } from '../openid/clients.ts';
import { Browser, type Seen } from './browser.ts';
import type { Fetch } from './fetch.ts';
import { type ControlPlanes, publicUrl } from './running-control-plane.ts';

export const issuer = `${publicUrl}/openid`;
export const redirectUri = `${publicUrl}/signed-in`;
/** What people choose when they have to. */
export const chosenPassword = 'nine small boats';

type Planes = Pick<ControlPlanes, 'fetch'>;

/** What `openid-client` finds out about the provider, for a client of ours. */
export function discover({ fetch }: Planes, clientId: string): Promise<Configuration> {
  return discovery(new URL(issuer), clientId, undefined, None(), {
    [customFetch]: (url, { method, headers, body }) =>
      fetch(url, { method, headers: Object.fromEntries(new Headers(headers)), body: body?.toString() }),
  });
}

/** An authorization request of the admin centre that has been sent. */
export interface Request {
  configuration: Configuration;
  verifier: string;
  seen: Seen;
}

/** Opens the sign-in of the admin centre. */
export async function openSignIn(
  planes: Planes,
  browser: Browser,
  parameters: Record<string, string> = {},
): Promise<Request> {
  const configuration = await discover(planes, adminCentre);
  const verifier = randomPKCECodeVerifier();
  const url = buildAuthorizationUrl(configuration, {
    redirect_uri: redirectUri,
    scope: 'openid profile api',
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...parameters,
  });
  return { configuration, verifier, seen: await browser.open(url.href) };
}

/** Signs in on the page that the browser shows; chooses a new password when one is asked for. */
export async function signIn(browser: Browser, userName: string, password: string): Promise<Seen> {
  const seen = await browser.submit({ userName, password });
  if (!seen.text.includes('Choose a new password')) return seen;
  return browser.submit({ password: chosenPassword, repeated: chosenPassword });
}

/** Exchanges the code of the address for tokens. */
export function redeem({ configuration, verifier }: Request, url: string): Promise<TokenEndpointResponse> {
  return authorizationCodeGrant(configuration, new URL(url), { pkceCodeVerifier: verifier });
}

/** Signs somebody in to the admin centre and resolves to the tokens. */
export async function tokensOf(
  planes: Planes,
  userName: string,
  password: string,
  browser = new Browser(planes.fetch),
): Promise<{ access: string; refresh: string; id: string; request: Request; browser: Browser }> {
  const request = await openSignIn(planes, browser);
  const { url } = await signIn(browser, userName, password);
  const { access_token, refresh_token = '', id_token = '' } = await redeem(request, url);
  return { access: access_token, refresh: refresh_token, id: id_token, request, browser };
}

/** Asks the API as the holder of a token. */
export async function askApi(
  fetch: Fetch,
  token: string,
  path = '/api/v1/permissions',
  method = 'GET',
): Promise<Response> {
  return fetch(`${publicUrl}${path}`, { method, headers: { authorization: `Bearer ${token}` } });
}

/** The JSON object of an answer. */
export async function jsonOf(answer: Response): Promise<Record<string, unknown>> {
  return JSON.parse(await answer.text());
}

/** Posts a form to the provider, as a program does. */
export async function postForm(
  fetch: Fetch,
  path: string,
  fields: Record<string, string>,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(`${issuer}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields).toString(),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? {} : JSON.parse(text) };
}
