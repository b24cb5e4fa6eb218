import { spawnSync } from 'node:child_process';
import { fetchUserInfo, refreshTokenGrant, tokenRevocation } from 'openid-client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { goodPassword, makeAccount } from '../accounts/account-testing.ts';
import { Browser } from '../testing/browser.ts';
import {
  askApi,
  chosenPassword,
  discover,
  issuer,
  jsonOf,
  openSignIn,
  postForm,
  redeem,
  redirectUri,
  signIn,
  tokensOf,
} from '../testing/openid.ts';
import { type ControlPlanes, publicUrl, startControlPlanes } from '../testing/running-control-plane.ts';
import { adminCentre, tools } from './clients.ts';

// Many requests over TLS with passwords in between, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

describe.each(['sqlite', 'postgresql'] as const)('authorization code (%s)', (engine) => {
  let planes: ControlPlanes;
  const context = () => {
    const [first] = planes.replicas;
    if (first === undefined) throw new Error('nothing runs');
    return first.context;
  };
  const codeOf = (url: string) => new URL(url).searchParams.get('code') ?? '';
  const statusOf = async (token: string) => (await askApi(planes.fetch, token)).status;

  const print = (['info', 'warn', 'error'] as const).map((name) => vi.spyOn(console, name));

  beforeAll(async () => {
    planes = await startControlPlanes(engine);
    await makeAccount(context(), 'kaori');
  });
  afterAll(() => planes.stop());

  test('the first administrator chooses a new password and then works with the API', async () => {
    const { userName, password } = planes.administrator;
    const { access, refresh, request } = await tokensOf(planes, userName, password);
    expect((await askApi(planes.fetch, access, '/api/v1/roles')).status).toBe(200);
    const { sub, ...shown } = await fetchUserInfo(request.configuration, access, await subjectOf(access));
    expect(shown).toEqual({ name: 'Administrator', preferred_username: 'admin' });
    const renewed = await refreshTokenGrant(request.configuration, refresh);
    expect(renewed.refresh_token).not.toBe(refresh);
    expect(renewed.expires_in).toBe(900);
    expect(await statusOf(renewed.access_token)).toBe(200);
    const browser = new Browser(planes.fetch);
    await openSignIn(planes, browser);
    expect((await signIn(browser, userName, password)).text).toContain('is wrong');
    expect((await signIn(browser, userName, chosenPassword)).url).toContain('/signed-in?code=');
  });

  async function subjectOf(access: string): Promise<string> {
    const answer = await askApi(planes.fetch, access, '/api/v1/me');
    return String((await jsonOf(answer)).id);
  }

  test('an account without a role is signed in and may do nothing', async () => {
    const { access } = await tokensOf(planes, 'kaori', goodPassword);
    expect(await statusOf(access)).toBe(200);
    expect((await askApi(planes.fetch, access, '/api/v1/roles')).status).toBe(403);
  });

  test('a browser that is signed in gets its code without a page', async () => {
    const { browser } = await tokensOf(planes, 'kaori', goodPassword);
    const again = await openSignIn(planes, browser);
    expect(again.seen.url).toContain('/signed-in?code=');
    expect(await statusOf((await redeem(again, again.seen.url)).access_token)).toBe(200);
  });

  test('a browser that signs in anew begins a new session, and the tokens of the old one end', async () => {
    const { access, browser } = await tokensOf(planes, 'kaori', goodPassword);
    const forced = await openSignIn(planes, browser, { prompt: 'login' });
    expect(forced.seen.text).toContain('name="password"');
    expect(await statusOf(access)).toBe(200);
    const { url } = await signIn(browser, 'kaori', goodPassword);
    expect(await statusOf((await redeem(forced, url)).access_token)).toBe(200);
    expect(await statusOf(access)).toBe(401);
  });

  test('a token without the scope "api" does not open the API', async () => {
    const browser = new Browser(planes.fetch);
    const request = await openSignIn(planes, browser, { scope: 'openid profile' });
    const { url } = await signIn(browser, 'kaori', goodPassword);
    expect(await statusOf((await redeem(request, url)).access_token)).toBe(401);
  });

  test('replayed-code: refused, and what the first use gave is ended', async () => {
    const browser = new Browser(planes.fetch);
    const request = await openSignIn(planes, browser);
    const { url } = await signIn(browser, 'kaori', goodPassword);
    const { access_token: access, refresh_token: refresh = '' } = await redeem(request, url);
    expect(await statusOf(access)).toBe(200);
    await expect(redeem(request, url)).rejects.toMatchObject({ error: 'invalid_grant' });
    expect(await statusOf(access)).toBe(401);
    await expect(refreshTokenGrant(request.configuration, refresh)).rejects.toMatchObject({
      error: 'invalid_grant',
    });
  });

  test('two-requests-one-code: the sign-in is over for both', async () => {
    const browser = new Browser(planes.fetch);
    const request = await openSignIn(planes, browser);
    const { url } = await signIn(browser, 'kaori', goodPassword);
    const results = await Promise.allSettled([redeem(request, url), redeem(request, url)]);
    const given = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(given.length).toBeLessThanOrEqual(1);
    for (const { access_token: access } of given) expect(await statusOf(access)).toBe(401);
  });

  test('replayed-refresh-token: refused, and the one that replaced it is ended', async () => {
    const { refresh, request } = await tokensOf(planes, 'kaori', goodPassword);
    const renewed = await refreshTokenGrant(request.configuration, refresh);
    await expect(refreshTokenGrant(request.configuration, refresh)).rejects.toMatchObject({
      error: 'invalid_grant',
    });
    expect(await statusOf(renewed.access_token)).toBe(401);
    await expect(refreshTokenGrant(request.configuration, renewed.refresh_token ?? '')).rejects.toMatchObject(
      { error: 'invalid_grant' },
    );
    const entry = await context()
      .database.tables.selectFrom('audit_entries')
      .select(['actor_name', 'detail'])
      .where('action', '=', 'signInSession.end')
      .orderBy('id', 'desc')
      .executeTakeFirst();
    expect(entry).toEqual({ actor_name: 'kaori', detail: expect.stringContaining('came a second time') });
  });

  test('pkce-missing, pkce-plain and pkce-wrong: refused', async () => {
    const authorize = (parameters: Record<string, string>) => {
      const query = { client_id: adminCentre, response_type: 'code', redirect_uri: redirectUri };
      return new Browser(planes.fetch).open(
        `${issuer}/authorize?${new URLSearchParams({ ...query, scope: 'openid', ...parameters })}`,
      );
    };
    expect((await authorize({})).url).toContain('error=invalid_request');
    const plain = { code_challenge: 'x'.repeat(43), code_challenge_method: 'plain' };
    expect((await authorize(plain)).url).toContain('error=invalid_request');
    const browser = new Browser(planes.fetch);
    await openSignIn(planes, browser);
    const { url } = await signIn(browser, 'kaori', goodPassword);
    const exchange = { grant_type: 'authorization_code', client_id: adminCentre, redirect_uri: redirectUri };
    for (const verifier of [{}, { code_verifier: 'y'.repeat(43) }]) {
      const answer = await postForm(planes.fetch, '/token', { ...exchange, code: codeOf(url), ...verifier });
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    }
  });

  test('redirect-uri-foreign: a page says so, and nobody is sent there', async () => {
    const { seen } = await openSignIn(planes, new Browser(planes.fetch), {
      redirect_uri: 'https://attacker.test/signed-in',
    });
    expect([seen.status, new URL(seen.url).pathname]).toEqual([400, '/openid/authorize']);
    expect(seen.text).toContain('not allowed');
    expect(seen.text).toContain(seen.headers.get('request-id'));
  });

  test('client-unknown: a page says so', async () => {
    const { seen } = await openSignIn(planes, new Browser(planes.fetch), { client_id: 'somebody-else' });
    expect([seen.status, seen.text.includes('invalid_client')]).toEqual([400, true]);
  });

  test('form-post: the response mode with a script is refused', async () => {
    const browser = new Browser(planes.fetch);
    await openSignIn(planes, browser, { response_mode: 'form_post' });
    expect(browser.page.text).not.toContain('<script');
    expect(browser.page.text).not.toContain('name="password"');
  });

  test('code-of-another-client: refused', async () => {
    const browser = new Browser(planes.fetch);
    const { verifier } = await openSignIn(planes, browser);
    const { url } = await signIn(browser, 'kaori', goodPassword);
    const answer = await postForm(planes.fetch, '/token', {
      grant_type: 'authorization_code',
      client_id: tools,
      code: codeOf(url),
      redirect_uri: redirectUri,
      code_verifier: verifier,
    });
    expect(answer.status).toBe(400);
    expect(answer.body.access_token).toBeUndefined();
  });

  test('a disabled account is out at once, in the API, at the token endpoint and in the browser', async () => {
    const id = await makeAccount(context(), 'leaver');
    const { access, refresh, request, browser } = await tokensOf(planes, 'leaver', goodPassword);
    const { tables } = context().database;
    await tables.updateTable('accounts').set({ is_enabled: 0 }).where('id', '=', id).execute();
    expect(await statusOf(access)).toBe(401);
    await expect(refreshTokenGrant(request.configuration, refresh)).rejects.toMatchObject({
      error: 'invalid_grant',
    });
    expect((await openSignIn(planes, browser)).seen.text).toContain('name="password"');
    await browser.submit({ userName: 'leaver', password: goodPassword });
    expect(browser.page.text).toContain('is wrong');
    // Somebody else at the same browser; the old session is in the way and is put out of it by a button.
    const other = await signIn(browser, 'kaori', goodPassword);
    expect(other.text).toContain('Another account is still signed in');
    expect((await browser.submit({}, 'logout')).url).toContain('/signed-in?code=');
  });

  test('signing out asks first, ends the tokens, and leads back', async () => {
    const { access, refresh, id, request, browser } = await tokensOf(planes, 'kaori', goodPassword);
    const query = new URLSearchParams({ id_token_hint: id, post_logout_redirect_uri: `${publicUrl}/` });
    const asked = await browser.open(`${issuer}/sign-out?${query}`);
    expect(asked.text).toContain('Do you want to sign out');
    expect(await statusOf(access)).toBe(200);
    expect((await browser.submit({}, 'logout')).url).toBe(`${publicUrl}/`);
    expect(await statusOf(access)).toBe(401);
    await expect(refreshTokenGrant(request.configuration, refresh)).rejects.toThrow();
    expect((await openSignIn(planes, browser)).seen.text).toContain('name="password"');
    const entry = await context()
      .database.tables.selectFrom('audit_entries')
      .select(['actor_kind', 'actor_name', 'address'])
      .where('action', '=', 'signOut')
      .orderBy('id', 'desc')
      .executeTakeFirst();
    expect(entry).toEqual({ actor_kind: 'user', actor_name: 'kaori', address: '127.0.0.1' });
  });

  test('signing out without a session shows a page with a button and ends with a notice', async () => {
    const browser = new Browser(planes.fetch);
    expect((await browser.open(`${issuer}/sign-out`)).text).not.toContain('<script');
    expect((await browser.submit({}, 'logout')).text).toContain('You are signed out');
  });

  test('a client gives its token back', async () => {
    const { access, refresh, request } = await tokensOf(planes, 'kaori', goodPassword);
    await tokenRevocation(request.configuration, refresh);
    expect(await statusOf(access)).toBe(401);
  });

  test('host-header-foreign: addresses are the public ones', async () => {
    const answer = await planes.fetch(`${issuer}/.well-known/openid-configuration`, {
      headers: { host: 'attacker.test', 'x-forwarded-host': 'attacker.test', 'x-forwarded-proto': 'http' },
    });
    const document = await jsonOf(answer);
    expect(document.issuer).toBe(issuer);
    const addresses = Object.entries<unknown>(document).filter(([name]) => /_endpoint$|_uri$/.test(name));
    expect(addresses.length).toBeGreaterThan(5);
    for (const [, address] of addresses) expect(address).toMatch(/^https:\/\/control\.test:8443\/openid\//);
    expect(document.claims_parameter_supported).toBe(false);
    expect(document.pushed_authorization_request_endpoint).toBeUndefined();
    expect(document.registration_endpoint).toBeUndefined();
  });

  test('discovery, keys and answers of the library carry the headers of the application', async () => {
    const configuration = await discover(planes, adminCentre);
    expect(configuration.serverMetadata().jwks_uri).toBe(`${issuer}/keys`);
    const answer = await planes.fetch(`${issuer}/keys`);
    const { keys } = await jsonOf(answer);
    expect(keys).toEqual([expect.objectContaining({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' })]);
    expect(JSON.stringify(keys)).not.toContain('"d"');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('strict-transport-security')).toContain('max-age');
    expect(answer.headers.get('request-id')).toMatch(/^[0-9a-f-]{36}$/);
    const missing = await planes.fetch(`${issuer}/nothing`);
    expect([missing.status, await jsonOf(missing)]).toEqual([
      404,
      { error: expect.objectContaining({ code: 'ResourceNotFound' }) },
    ]);
  });

  test('cookies are for this host only, for HTTPS only and out of reach of scripts', async () => {
    const configuration = await discover(planes, adminCentre);
    const { authorization_endpoint: endpoint } = configuration.serverMetadata();
    const query = new URLSearchParams({
      client_id: adminCentre,
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'openid',
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
    });
    const answer = await planes.fetch(`${endpoint}?${query}`);
    const cookies = answer.headers.getSetCookie();
    expect(cookies.length).toBeGreaterThan(1);
    for (const cookie of cookies)
      expect(cookie).toMatch(/^__(Host|Secure)-culvert.*samesite=lax; secure; httponly/);
  });

  test('the library prints nothing', () => {
    for (const spy of print) expect(spy).not.toHaveBeenCalled();
  });
});

test('loading the library prints nothing', () => {
  const script = `import(${JSON.stringify(new URL('provider.ts', import.meta.url).href)})`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
});
