import {
  type Configuration,
  type DeviceAuthorizationResponse,
  initiateDeviceAuthorization,
  pollDeviceAuthorizationGrant,
} from 'openid-client';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { goodPassword, makeAccount } from '../accounts/account-testing.ts';
import { Browser } from '../testing/browser.ts';
import { askApi, discover, issuer, jsonOf, postForm, tokensOf } from '../testing/openid.ts';
import { type ControlPlanes, startControlPlanes } from '../testing/running-control-plane.ts';
import { deviceGrant, tools } from './clients.ts';

// Many requests over TLS with passwords in between, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

describe.each(['sqlite', 'postgresql'] as const)('device code (%s)', (engine) => {
  let planes: ControlPlanes;
  let configuration: Configuration;
  const context = () => {
    const [first] = planes.replicas;
    if (first === undefined) throw new Error('nothing runs');
    return first.context;
  };
  const begin = () => initiateDeviceAuthorization(configuration, { scope: 'openid profile api' });
  const poll = ({ device_code }: DeviceAuthorizationResponse) =>
    postForm(planes.fetch, '/token', { grant_type: deviceGrant, client_id: tools, device_code });
  const statusOf = async (token: string) => (await askApi(planes.fetch, token)).status;
  const newestAudit = (action: string) =>
    context()
      .database.tables.selectFrom('audit_entries')
      .select(['actor_name', 'object_name', 'address'])
      .where('action', '=', action)
      .orderBy('id', 'desc')
      .executeTakeFirst();

  beforeAll(async () => {
    planes = await startControlPlanes(engine, { trustedProxies: ['127.0.0.1'] });
    await makeAccount(context(), 'kaori');
    configuration = await discover(planes, tools);
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  afterAll(() => planes.stop());

  test('a tool waits while a person types its code, confirms and signs in', async () => {
    const asked = await begin();
    expect(asked.verification_uri).toBe(`${issuer}/device`);
    expect(asked.user_code).toMatch(/^[B-Z]{4}-[B-Z]{4}$/);
    const waiting = pollDeviceAuthorizationGrant(configuration, { ...asked, interval: 0.05 });
    const browser = new Browser(planes.fetch, { 'x-forwarded-for': '203.0.113.9' });
    await browser.open(asked.verification_uri);
    const confirm = await browser.submit({ user_code: asked.user_code.toLowerCase().replace('-', ' ') });
    expect(confirm.text).toContain('Is this your device?');
    expect(confirm.text).toContain('Culvert tools');
    expect(confirm.text).toContain('127.0.0.1');
    expect(confirm.text).toContain(asked.user_code);
    expect((await browser.submit({}, 'confirm')).text).toContain('name="password"');
    expect((await browser.submit({ userName: 'kaori', password: goodPassword })).text).toContain(
      'The device is signed in',
    );
    const { access_token: access, expires_in: lifetime, refresh_token: refresh } = await waiting;
    expect([lifetime, refresh]).toEqual([3600, undefined]);
    expect(await statusOf(access)).toBe(200);
    expect(await newestAudit('device.confirm')).toEqual({
      actor_name: 'kaori',
      object_name: `kaori (${tools})`,
      address: '203.0.113.9',
    });
  });

  test('the address with the code in it fills in the form and asks all the same', async () => {
    const { browser } = await tokensOf(planes, 'kaori', goodPassword);
    const asked = await begin();
    const typed = await browser.open(asked.verification_uri_complete ?? '');
    expect(typed.text).toContain(`value="${asked.user_code}"`);
    expect(typed.text).not.toContain('<script');
    const confirm = await browser.submit({});
    // The browser is signed in already; nothing happens before the person confirms.
    expect(confirm.text).toContain('kaori');
    expect((await poll(asked)).body.error).toBe('authorization_pending');
    expect((await browser.submit({}, 'confirm')).text).toContain('The device is signed in');
    expect((await poll(asked)).status).toBe(200);
  });

  test('denied: the tool is told, and the refusal is written down, unless it is of a stranger', async () => {
    const asked = await begin();
    const browser = new Browser(planes.fetch);
    await browser.open(asked.verification_uri);
    await browser.submit({ user_code: asked.user_code });
    expect((await browser.submit({}, 'abort')).text).toContain('The device was refused');
    expect((await poll(asked)).body.error).toBe('access_denied');
    expect(await newestAudit('device.refuse')).toBeUndefined();
    const { browser: known } = await tokensOf(planes, 'kaori', goodPassword);
    await known.open(asked.verification_uri);
    await known.submit({ user_code: (await begin()).user_code });
    await known.submit({}, 'abort');
    expect((await newestAudit('device.refuse'))?.actor_name).toBe('kaori');
  });

  test('user-agent-long: of a stranger, no more is kept than anybody reads', async () => {
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'user-agent': `agent${'x'.repeat(5_000)}`,
    };
    const body = new URLSearchParams({ client_id: tools, scope: 'openid api' }).toString();
    const answer = await planes.fetch(`${issuer}/device/auth`, { method: 'POST', headers, body });
    const browser = new Browser(planes.fetch);
    await browser.open(`${issuer}/device`);
    const { text } = await browser.submit({ user_code: String((await jsonOf(answer)).user_code) });
    expect(/agentx*/.exec(text)?.[0]).toHaveLength(256);
  });

  test('expired: the tool and the person are told', async () => {
    const asked = await begin();
    const browser = new Browser(planes.fetch);
    await browser.open(asked.verification_uri);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11 * 60_000 });
    expect((await poll(asked)).body.error).toBe('expired_token');
    expect((await browser.submit({ user_code: asked.user_code })).text).toContain('This code has ended');
  });

  test('code-unknown, code-missing and code-used: the form says what to do', async () => {
    const browser = new Browser(planes.fetch);
    await browser.open(`${issuer}/device`);
    const unknown = await browser.submit({ user_code: '"><script>' });
    expect(unknown.text).toContain('There is no such code');
    expect(unknown.text).not.toContain('<script');
    expect((await browser.submit({ user_code: '' })).text).toContain('Type the code first');
    const asked = await begin();
    await browser.submit({ user_code: asked.user_code });
    await browser.submit({}, 'abort');
    await browser.open(`${issuer}/device`);
    expect((await browser.submit({ user_code: asked.user_code })).text).toContain('was used before');
  });

  test('xsrf-missing: a confirmation from elsewhere does nothing', async () => {
    const { browser } = await tokensOf(planes, 'kaori', goodPassword);
    const asked = await begin();
    await browser.open(asked.verification_uri);
    await browser.submit({ user_code: asked.user_code, xsrf: 'x'.repeat(48) });
    expect(browser.page.text).toContain('This form has ended');
    expect((await poll(asked)).body.error).toBe('authorization_pending');
  });

  test.each([
    ['POST', '/device'],
    ['GET', '/device/nothing'],
  ])('session-missing: %s %s shows a form that works', async (method, path) => {
    const { user_code: userCode } = await begin();
    const body = method === 'POST' ? `user_code=${userCode}` : undefined;
    const type = { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await planes.fetch(`${issuer}${path}`, { method, headers: type, body });
    const text = await answer.text();
    expect([answer.status, text.includes('name="user_code"')]).toEqual([400, true]);
    const cookies = answer.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(text)?.[1] ?? '';
    const sent = await planes.fetch(`${issuer}/device`, {
      method: 'POST',
      headers: { ...type, cookie: cookies },
      body: new URLSearchParams({ xsrf, user_code: userCode }).toString(),
    });
    expect(await sent.text()).toContain('Is this your device?');
  });

  test('a device code works once; the second use ends the token of the first', async () => {
    const { browser } = await tokensOf(planes, 'kaori', goodPassword);
    const asked = await begin();
    await browser.open(asked.verification_uri);
    await browser.submit({ user_code: asked.user_code });
    await browser.submit({}, 'confirm');
    const access = String((await poll(asked)).body.access_token);
    expect(await statusOf(access)).toBe(200);
    expect((await poll(asked)).body.error).toBe('invalid_grant');
    expect(await statusOf(access)).toBe(401);
  });

  test('devices and the browser are listed apart, and each ends by itself and at once', async () => {
    await makeAccount(context(), 'owner');
    const { access: own, browser } = await tokensOf(planes, 'owner', goodPassword);
    const device = async () => {
      const asked = await begin();
      await browser.open(asked.verification_uri);
      await browser.submit({ user_code: asked.user_code });
      await browser.submit({}, 'confirm');
      return String((await poll(asked)).body.access_token);
    };
    const [first, second] = [await device(), await device()];
    const list = await jsonOf(await askApi(planes.fetch, own, '/api/v1/signInSessions?$orderby=id'));
    const sessions = list.value as { id: string; clientId: string; userName: string }[];
    expect(sessions.map(({ clientId, userName }) => [clientId, userName])).toEqual([
      ['culvert-admin-centre', 'owner'],
      [tools, 'owner'],
      [tools, 'owner'],
    ]);
    const end = (id = '') => askApi(planes.fetch, own, `/api/v1/signInSessions/${id}`, 'DELETE');
    expect((await end(sessions[1]?.id)).status).toBe(204);
    expect([await statusOf(first), await statusOf(second), await statusOf(own)]).toEqual([401, 200, 200]);
    expect((await end(sessions[0]?.id)).status).toBe(204);
    expect([await statusOf(second), await statusOf(own)]).toEqual([200, 401]);
    await browser.open(`${issuer}/device`);
    await browser.submit({ user_code: (await begin()).user_code });
    expect((await browser.submit({}, 'confirm')).text).toContain('name="password"');
  });

  test('grant-of-another-client: the admin centre gets no device codes', async () => {
    const answer = await postForm(planes.fetch, '/device/auth', { client_id: 'culvert-admin-centre' });
    expect(answer.status).toBe(400);
  });
});
