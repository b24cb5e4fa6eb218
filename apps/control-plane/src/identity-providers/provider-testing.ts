import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import Provider from 'oidc-provider';

export const redirectUri = 'https://control.test:8443/openid/upstream/callback';
export const clientId = 'culvert';
export const clientSecret = 'a secret of the provider';

/** A server on loopback that a test can speak to. */
export interface Listening {
  readonly issuer: string;
  stop(): Promise<void>;
}

async function listen(makeListener: (issuer: string) => RequestListener | Promise<RequestListener>) {
  let listener: RequestListener = (_request, response) => response.destroy();
  const server: Server = createServer((request, response) => listener(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  listener = await makeListener(issuer);
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { issuer, stop };
}

/** The real `oidc-provider`, at which whoever comes is already known. Claims are given apart from the ID token, as it does by default. */
export function startProvider(claims: () => Record<string, unknown>): Promise<Listening> {
  return listen(async (issuer) => {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    const provider = new Provider(issuer, {
      clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUri] }],
      jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig' }] },
      cookies: { keys: ['a key of a test'] },
      claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'groups'], email: ['email'] },
      findAccount: (_context, id) => ({
        accountId: id,
        claims: async () => ({ sub: id, ...claims() }),
      }),
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
      ttl: { AccessToken: 60, AuthorizationCode: 60, Grant: 60, IdToken: 60, Interaction: 60, Session: 60 },
    });
    const answer = provider.callback();
    return async (request, response) => {
      if (!request.url?.startsWith('/interaction/')) return answer(request, response);
      const { params, prompt } = await provider.interactionDetails(request, response);
      const grant = new provider.Grant({ accountId: 'subject-1', clientId: String(params.client_id) });
      grant.addOIDCScope(String(params.scope));
      const result =
        prompt.name === 'login'
          ? { login: { accountId: 'subject-1' } }
          : { consent: { grantId: await grant.save() } };
      return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
    };
  });
}

/** Follows a browser through a provider until it is sent back; resolves to the address with the answer. */
export async function visit(start: URL): Promise<URL> {
  const cookies = new Map<string, string>();
  let address = start;
  for (let steps = 0; steps < 10; steps += 1) {
    if (address.href.startsWith(redirectUri)) return address;
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(address, { redirect: 'manual', headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const next = answer.headers.get('location');
    if (next === null) throw new Error(`${address} answered ${answer.status}: ${await answer.text()}`);
    address = new URL(next, address);
  }
  throw new Error('the provider sends around in circles');
}

/** How a forged provider answers. */
export interface Forgery {
  claims?: Record<string, unknown>;
  /** Takes these claims out. */
  without?: readonly string[];
  /** The algorithm in the head of the ID token; `none` has no signature, `HS256` is signed with the client secret. */
  algorithm?: 'RS256' | 'none' | 'HS256' | 'ES256';
  /** Signs with a key that is not published. */
  hasForeignKey?: boolean;
  metadata?: Record<string, unknown>;
  token?: { status: number; body: unknown };
}

/** A provider that answers whatever a test wants. `nonce` is what the last sign-in asked for. */
export async function startForgery(forgery: () => Forgery & { nonce: string }): Promise<Listening> {
  const [published, foreign] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')]);
  const elliptic = await generateKeyPair('ES256');
  const keys = [
    { ...(await exportJWK(published.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' },
    { ...(await exportJWK(elliptic.publicKey)), kid: 'two', alg: 'ES256', use: 'sig' },
  ];
  const idToken = async (issuer: string): Promise<string> => {
    const { claims = {}, without = [], algorithm = 'RS256', hasForeignKey = false, nonce } = forgery();
    const now = Math.floor(Date.now() / 1_000);
    const all = { iss: issuer, aud: clientId, sub: 's1', iat: now, exp: now + 60, nonce, ...claims };
    const kept = Object.fromEntries(Object.entries(all).filter(([name]) => !without.includes(name)));
    if (algorithm === 'none') {
      const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
      return `${part({ alg: 'none' })}.${part(kept)}.`;
    }
    const signed = new SignJWT(kept);
    if (algorithm === 'HS256')
      return signed.setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(clientSecret));
    if (algorithm === 'ES256')
      return signed.setProtectedHeader({ alg: 'ES256', kid: 'two' }).sign(elliptic.privateKey);
    const { privateKey } = hasForeignKey ? foreign : published;
    return signed.setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(privateKey);
  };
  return listen((issuer) => async (request, response) => {
    const { token, metadata = {} } = forgery();
    const answers: Record<string, () => Promise<{ status: number; body: unknown }>> = {
      '/.well-known/openid-configuration': async () => ({
        status: 200,
        body: {
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/keys`,
          response_types_supported: ['code'],
          id_token_signing_alg_values_supported: ['RS256', 'ES256', 'none', 'HS256'],
          ...metadata,
        },
      }),
      '/keys': async () => ({ status: 200, body: { keys } }),
      '/token': async () =>
        token ?? {
          status: 200,
          body: { access_token: 'opaque', token_type: 'bearer', id_token: await idToken(issuer) },
        },
    };
    const { status, body } = (await answers[pathOf(request)]?.()) ?? { status: 404, body: {} };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return new URL(url, 'http://loopback').pathname;
}
