import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { goodPassword, goodPasswordMark, makeAccount } from '../accounts/account-testing.ts';
import { changePassword } from '../accounts/passwords.ts';
import { purposeOf } from '../accounts/second-factor.ts';
import { codeAt, newTotpSecret } from '../accounts/totp.ts';
import { Browser } from '../testing/browser.ts';
import { chosenPassword, issuer, openSignIn } from '../testing/openid.ts';
import { type ControlPlanes, publicUrl, startControlPlanes } from '../testing/running-control-plane.ts';

// Many requests over TLS with passwords in between, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

describe.each(['sqlite', 'postgresql'] as const)('the steps of a sign-in (%s)', (engine) => {
  let planes: ControlPlanes;
  let host = 0;
  const context = () => {
    const [first] = planes.replicas;
    if (first === undefined) throw new Error('nothing runs');
    return first.context;
  };
  /** Each browser has an address of its own, so that the failures of one test do not slow down another. */
  const newBrowser = (headers: Record<string, string> = {}) =>
    new Browser(planes.fetch, { 'x-forwarded-for': `198.51.100.${++host}`, ...headers });
  const opened = async (headers?: Record<string, string>, parameters?: Record<string, string>) => {
    const browser = newBrowser(headers);
    await openSignIn(planes, browser, parameters);
    return browser;
  };
  const stateOf = (browser: Browser) => /name="state" value="([^"]*)"/.exec(browser.page.text)?.[1] ?? '';

  beforeAll(async () => {
    planes = await startControlPlanes(engine, { trustedProxies: ['127.0.0.1'] });
    await makeAccount(context(), 'kaori');
  });
  afterAll(() => planes.stop());

  test('a wrong password keeps the name, says so beside the field, and tells not which was wrong', async () => {
    const browser = await opened();
    const wrong = await browser.submit({ userName: 'kaori', password: 'wrong' });
    expect(wrong.status).toBe(400);
    expect(wrong.text).toContain('value="kaori"');
    expect(wrong.text).toContain('aria-describedby="password-wrong" aria-invalid="true"');
    const unknown = await browser.submit({ userName: 'nobody', password: 'wrong' });
    expect(unknown.text.replace('nobody', 'kaori').replace(stateOf(browser), '')).toBe(
      wrong.text.replace(/name="state" value="[^"]*"/, 'name="state" value=""'),
    );
    expect((await browser.submit({ userName: 'kaori', password: goodPassword })).url).toContain('code=');
  });

  test('throttled: the page says in words how long to wait, and Retry-After says it too', async () => {
    await makeAccount(context(), 'target');
    const browser = await opened();
    for (let attempt = 0; attempt < 6; attempt += 1) {
      await browser.submit({ userName: 'target', password: 'wrong' });
      if (browser.page.status === 429) break;
    }
    expect(browser.page.status).toBe(429);
    expect(Number(browser.page.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(browser.page.text).toMatch(/Try again in (one second|\d+ seconds)/);
  });

  async function withSecondFactor(userName: string): Promise<string> {
    const { database, secrets } = context();
    const id = await makeAccount(context(), userName);
    const secret = newTotpSecret();
    await database.tables
      .updateTable('accounts')
      .set({ has_second_factor: 1, totp_secret: secrets.seal(secret, purposeOf(id)) })
      .where('id', '=', id)
      .execute();
    return secret;
  }

  test('an account with a second factor is asked for its code, which works once', async () => {
    const secret = await withSecondFactor('careful');
    const browser = await opened();
    const asked = await browser.submit({ userName: 'careful', password: goodPassword });
    expect(asked.text).toContain('autocomplete="one-time-code"');
    expect((await browser.submit({ code: '000000' })).text).toContain('The code is wrong');
    const code = codeAt(secret, new Date());
    expect((await browser.submit({ code })).url).toContain('/signed-in?code=');
    const again = await opened();
    await again.submit({ userName: 'careful', password: goodPassword });
    expect((await again.submit({ code })).text).toContain('The code is wrong');
    const entry = await context()
      .database.tables.selectFrom('audit_entries')
      .select('detail')
      .where('action', '=', 'signIn')
      .where('actor_name', '=', 'careful')
      .where('outcome', '=', 'success')
      .executeTakeFirst();
    expect(entry?.detail).toBe('password+totp');
  });

  test('a password that must be changed: rules, mistakes at their fields, and then on', async () => {
    await makeAccount(context(), 'newcomer', { must_change_password: 1 });
    const browser = await opened();
    const asked = await browser.submit({ userName: 'newcomer', password: goodPassword });
    expect(asked.text).toContain('at least 12 characters');
    expect((await browser.submit({ password: 'short', repeated: 'short' })).text).toContain(
      'id="password-wrong"',
    );
    const differ = await browser.submit({ password: chosenPassword, repeated: `${chosenPassword}x` });
    expect(differ.text).toContain('id="repeated-wrong"');
    expect(differ.text).not.toContain(chosenPassword);
    const same = await browser.submit({ password: goodPassword, repeated: goodPassword });
    expect(same.text).toContain('another password than the present one');
    const done = await browser.submit({ password: chosenPassword, repeated: chosenPassword });
    expect(done.url).toContain('/signed-in?code=');
  });

  test('step-skipped: a new password without a sign-in is refused', async () => {
    await makeAccount(context(), 'victim', { must_change_password: 1 });
    const browser = await opened();
    const answer = await planes.fetch(browser.page.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        cookie: browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; '),
      },
      body: new URLSearchParams({
        step: 'newPassword',
        state: stateOf(browser),
        password: chosenPassword,
        repeated: chosenPassword,
      }).toString(),
    });
    expect([answer.status, await answer.text()]).toEqual([
      400,
      expect.stringContaining('This page has ended or was changed'),
    ]);
  });

  test('second-factor-skipped: the step for a new password is refused before the code', async () => {
    await withSecondFactor('guarded');
    await context()
      .database.tables.updateTable('accounts')
      .set({ must_change_password: 1 })
      .where('user_name', '=', 'guarded')
      .execute();
    const browser = await opened();
    const { text } = await browser.submit({ userName: 'guarded', password: goodPassword });
    expect(text).toContain('value="code"');
    const skipped = await browser.submit({ step: 'newPassword', code: 'x' });
    expect(skipped.status).toBe(400);
    expect(skipped.text).toContain('This page has ended or was changed');
  });

  test('password-changed-meanwhile: the step that the old one has opened is refused', async () => {
    const id = await makeAccount(context(), 'reset', { must_change_password: 1 });
    const browser = await opened();
    await browser.submit({ userName: 'reset', password: goodPassword });
    const password = 'what the administrator gave';
    const actor = { kind: 'system', name: 'test' } as const;
    await changePassword(context(), { accountId: id, passwordMark: goodPasswordMark, password, actor });
    const { tables } = context().database;
    await tables.updateTable('accounts').set({ must_change_password: 1 }).where('id', '=', id).execute();
    const late = await browser.submit({ password: chosenPassword, repeated: chosenPassword });
    expect([late.status, late.text.includes('This page has ended')]).toEqual([400, true]);
  });

  test('parameters-long: the request is refused, and nothing of it is kept', async () => {
    const browser = new Browser(planes.fetch);
    const { seen } = await openSignIn(planes, browser, { state: 'x'.repeat(3_000) });
    expect(seen.url).toContain('error=invalid_request');
    const url = `${issuer}/sign-out?client_id=culvert-admin-centre&state=${'x'.repeat(3_000)}`;
    await browser.open(url);
    expect(await browser.submit({}, 'logout')).toMatchObject({ status: 400 });
    expect(browser.page.text).toContain('This did not work');
  });

  test('state-tampered and state-of-another-interaction: refused', async () => {
    const [browser, other] = [await opened(), await opened()];
    const right = stateOf(browser);
    for (const state of ['', 'v1.AAAA', `${right.slice(0, -4)}AAAA`, stateOf(other)]) {
      const refused = await browser.submit({ userName: 'kaori', password: goodPassword, state });
      expect([refused.status, refused.text.includes('This page has ended')]).toEqual([400, true]);
      await browser.open(refused.url);
    }
  });

  test('cookie-of-another-interaction and cookie-missing: refused', async () => {
    const [browser, other] = [await opened(), await opened()];
    const path = new URL(browser.page.url).pathname;
    for (const { name, value, path: foreign } of other.cookies) {
      if (foreign.startsWith('/openid/interaction/'))
        browser.setCookie({ name, value, path, isSecure: true });
    }
    const refused = await browser.submit({ userName: 'kaori', password: goodPassword });
    expect([refused.status, refused.text.includes('begun in another window')]).toEqual([400, true]);
    const stranger = await newBrowser().open(other.page.url);
    expect([stranger.status, stranger.text.includes('begun in another window')]).toEqual([400, true]);
  });

  test('cookie-forged: a cookie without our signature is none', async () => {
    const browser = await opened();
    const path = new URL(browser.page.url).pathname;
    for (const { name, value } of browser.cookies) {
      if (name.endsWith('.sig'))
        browser.setCookie({ name, value: 'x'.repeat(value.length), path, isSecure: true });
    }
    expect((await browser.submit({ userName: 'kaori', password: goodPassword })).status).toBe(400);
  });

  test('an interaction that is done does not begin again', async () => {
    const browser = await opened();
    const { url } = browser.page;
    await browser.submit({ userName: 'kaori', password: goodPassword });
    expect((await browser.open(url)).status).toBe(400);
  });

  test('body-huge, form-incomplete and step-unknown: a page says so', async () => {
    const browser = await opened();
    const { url } = browser.page;
    const huge = await browser.submit({ userName: 'x'.repeat(300_000), password: '' });
    expect([huge.status, huge.headers.get('content-type')]).toEqual([413, 'text/html; charset=utf-8']);
    await browser.open(url);
    expect((await browser.submit({ step: 'everything', userName: 'kaori' })).status).toBe(400);
    await browser.open(url);
    const nul = await browser.submit({ userName: 'ka\0ori', password: 'wrong' });
    expect([nul.status, nul.text.includes('is wrong')]).toEqual([400, true]);
  });

  test('the pages speak the language that the program or the browser prefers', async () => {
    const browser = await opened({ 'accept-language': 'ja,en;q=0.5' });
    expect(browser.page.text).toContain('<html lang="ja">');
    expect((await browser.submit({ userName: 'kaori', password: 'wrong' })).text).toContain(
      'パスワードが正しくありません',
    );
    const asked = await opened({ 'accept-language': 'ja' }, { ui_locales: 'fr en' });
    expect(asked.page.text).toContain('<html lang="en">');
    const device = await newBrowser({ 'accept-language': 'ja-JP' }).open(`${publicUrl}/openid/device`);
    expect(device.text).toContain('デバイスのサインイン');
  });

  test('the stylesheet is there, and every page forbids everything else', async () => {
    const browser = await opened();
    const policy = browser.page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'; style-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(browser.page.headers.get('cache-control')).toBe('no-store');
    const style = await planes.fetch(`${publicUrl}/openid/style.css`);
    expect([style.status, style.headers.get('content-type')]).toEqual([200, 'text/css; charset=utf-8']);
  });
});
