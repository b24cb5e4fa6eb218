import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser } from '../testing/browser.ts';
import { jsonOf, openSignIn, signIn, tokensOf } from '../testing/openid.ts';
import { type ControlPlanes, publicUrl, startControlPlanes } from '../testing/running-control-plane.ts';
import { goodPassword, makeAccount } from './account-testing.ts';
import { codeAt } from './totp.ts';

const accounts = '/api/v1/accounts';
const me = '/api/v1/me';

describe.each(['sqlite', 'postgresql'] as const)('access of a person over HTTPS (%s)', (engine) => {
  let planes: ControlPlanes;
  let administrator = '';

  beforeAll(async () => {
    planes = await startControlPlanes(engine, { count: engine === 'postgresql' ? 2 : 1 });
    const { userName, password } = planes.administrator;
    administrator = (await tokensOf(planes, userName, password)).access;
  }, 30_000);
  afterAll(() => planes.stop());

  const somebody = (userName: string) => {
    const [first] = planes.replicas;
    if (first === undefined) throw new Error('nothing runs');
    return makeAccount(first.context, userName);
  };
  const send = (token: string, method: string, path: string, body?: unknown) =>
    planes.fetch(`${publicUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  const statusOf = async (token: string) => (await send(token, 'GET', me)).status;

  test('a new password ends the sessions elsewhere and keeps the one in which it was chosen', async () => {
    await somebody('kaori');
    const here = await tokensOf(planes, 'kaori', goodPassword);
    const elsewhere = await tokensOf(planes, 'kaori', goodPassword);
    const change = { presentPassword: goodPassword, newPassword: 'eleven wide rivers' };
    expect((await send(here.access, 'POST', `${me}/changePassword`, change)).status).toBe(204);
    expect([await statusOf(here.access), await statusOf(elsewhere.access)]).toEqual([200, 401]);
  });

  test.each([
    ['disabling', 'PATCH', '', { isEnabled: false }],
    ['deleting', 'DELETE', '', undefined],
    ['resetting the password of', 'POST', '/resetPassword', {}],
    ['resetting the second factor of', 'POST', '/resetSecondFactor', undefined],
  ])('%s an account ends its access at once', async (what, method, action, body) => {
    const userName = `person.${what.replaceAll(' ', '.')}`;
    const id = await somebody(userName);
    const { access } = await tokensOf(planes, userName, goodPassword);
    expect(await statusOf(access)).toBe(200);
    const answer = await send(administrator, method, `${accounts}/${id}${action}`, body);
    expect(answer.status).toBeLessThan(300);
    expect(await statusOf(access)).toBe(401);
  });

  test.each([
    ['resetting the password of', '/resetPassword', {}],
    ['resetting the second factor of', '/resetSecondFactor', undefined],
    ['its owner changing the password of', undefined, undefined],
  ])('%s an account ends a sign-in whose last redirect was not followed yet', async (what, action, body) => {
    const userName = `waiting.${what.replaceAll(' ', '.')}`;
    const id = await somebody(userName);
    const { access } = await tokensOf(planes, userName, goodPassword);
    let heldBack = '';
    let isHolding = true;
    const thief = new Browser(async (url, options) => {
      if (isHolding && /\/authorize\/./.test(url)) heldBack = url;
      return isHolding && heldBack !== '' ? new Response('') : planes.fetch(url, options);
    });
    await openSignIn(planes, thief);
    await signIn(thief, userName, goodPassword);
    expect(heldBack).not.toBe('');
    const change = { presentPassword: goodPassword, newPassword: 'eleven wide rivers' };
    const answer =
      action === undefined
        ? await send(access, 'POST', `${me}/changePassword`, change)
        : await send(administrator, 'POST', `${accounts}/${id}${action}`, body);
    expect(answer.status).toBeLessThan(300);
    isHolding = false;
    const { url, text } = await thief.open(heldBack);
    expect(url).not.toContain('code=');
    expect(text).toContain('This sign-in has ended');
  });

  test('a second factor that was set up through the API is asked for at the next sign-in', async () => {
    await somebody('mori');
    const { access } = await tokensOf(planes, 'mori', goodPassword);
    const begun = await jsonOf(await send(access, 'POST', `${me}/secondFactor/begin`));
    const code = codeAt(String(begun.secret), new Date());
    const confirmed = await jsonOf(await send(access, 'POST', `${me}/secondFactor/confirm`, { code }));
    const browser = new Browser(planes.fetch);
    await openSignIn(planes, browser);
    const asked = await signIn(browser, 'mori', goodPassword);
    expect(asked.text).toContain('name="code"');
    expect((await browser.submit({ code })).url).not.toContain('/signed-in');
    const [recoveryCode] = confirmed.recoveryCodes as string[];
    expect((await browser.submit({ code: recoveryCode ?? '' })).url).toContain('/signed-in?code=');
  });
});
