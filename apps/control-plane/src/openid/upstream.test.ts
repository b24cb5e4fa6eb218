import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { purposeOf } from '../identity-providers/provider.ts';
import {
  clientId,
  clientSecret,
  type Listening,
  startProvider,
  visit,
} from '../identity-providers/provider-testing.ts';
import { Browser } from '../testing/browser.ts';
import { askApi, jsonOf, openSignIn, redeem } from '../testing/openid.ts';
import { type ControlPlanes, publicUrl, startControlPlanes } from '../testing/running-control-plane.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

describe.each(['sqlite', 'postgresql'] as const)('sign-in at another service (%s)', (engine) => {
  let planes: ControlPlanes;
  let provider: Listening;
  let claims: Record<string, unknown> = {};

  beforeAll(async () => {
    provider = await startProvider(() => claims);
    planes = await startControlPlanes(engine, { trustedProxies: ['127.0.0.1'] });
    const [replica] = planes.replicas;
    const secrets = replica?.context.secrets;
    await replica?.context.database.tables
      .insertInto('identity_providers')
      .values({
        id: 'directory',
        version: 1,
        display_name: 'Directory & "Friends"',
        issuer: provider.issuer,
        client_id: clientId,
        client_secret: secrets?.seal(clientSecret, purposeOf(provider.issuer)) ?? '',
        has_client_secret: 1,
        scopes: '["openid","profile"]',
        user_name_claim: 'preferred_username',
        groups_claim: 'groups',
        allowed_groups: '["Staff"]',
        is_enabled: 1,
      })
      .execute();
  });
  afterAll(async () => {
    await planes.stop();
    await provider.stop();
  });

  /** Opens the sign-in, presses the button of the service and comes back from there. */
  async function goThere() {
    const browser = new Browser(planes.fetch);
    const request = await openSignIn(planes, browser);
    const link = /<a class="button" href="([^"]*)">([^<]*)</.exec(request.seen.text);
    const gone = await browser.open(new URL(link?.[1] ?? '', publicUrl).href);
    const back = await visit(new URL(gone.url));
    return { browser, request, label: link?.[2], back };
  }

  test('leads there and back, makes the account, and signs it in', async () => {
    claims = { preferred_username: 'aki@example.com', name: 'Ueda Aki', groups: ['Staff'] };
    const { browser, request, label, back } = await goThere();
    expect(label).toBe('Sign in with Directory &amp; &quot;Friends&quot;');
    const { url } = await browser.open(back.href);
    expect(url).toContain('/signed-in?code=');
    const { access_token: access } = await redeem(request, url);
    const me = await jsonOf(await askApi(planes.fetch, access, '/api/v1/me'));
    expect(me).toMatchObject({ userName: 'aki@example.com', displayName: 'Ueda Aki', groups: ['Staff'] });
    // The provider was switched off: whoever came through it is out at once.
    const { tables } = planes.replicas[0]?.context.database ?? {};
    await tables?.updateTable('identity_providers').set({ is_enabled: 0 }).execute();
    expect((await askApi(planes.fetch, access)).status).toBe(401);
    await tables?.updateTable('identity_providers').set({ is_enabled: 1 }).execute();
    expect((await askApi(planes.fetch, access)).status).toBe(200);
  });

  test('a refusal is told on the sign-in page, which can be used again', async () => {
    claims = { preferred_username: 'guest', groups: ['Guests'] };
    const { browser, back } = await goThere();
    const seen = await browser.open(back.href);
    expect(seen.status).toBe(400);
    expect(seen.text).toContain('You are in none of the groups');
    expect(seen.text).toContain('name="password"');
  });

  test('answer-in-another-browser, answer-twice and answer-without-beginning: refused', async () => {
    claims = { preferred_username: 'aki@example.com', groups: ['Staff'] };
    const { browser, back } = await goThere();
    const other = new Browser(planes.fetch);
    await openSignIn(planes, other);
    expect((await other.open(back.href)).text).toContain('begun in another window');
    expect((await browser.open(back.href)).url).toContain('/signed-in?code=');
    expect((await browser.open(back.href)).text).toContain('begun in another window');
  });

  test('a service that is unknown or away is told on the page', async () => {
    const browser = new Browser(planes.fetch);
    const { seen } = await openSignIn(planes, browser);
    const unknown = await browser.open(`${seen.url}/upstream/nothing`);
    expect([unknown.status, unknown.text.includes('switched off')]).toEqual([400, true]);
  });
});
