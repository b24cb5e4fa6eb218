import { initiateDeviceAuthorization, refreshTokenGrant } from 'openid-client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Browser } from '../testing/browser.ts';
import {
  askApi,
  chosenPassword,
  discover,
  openSignIn,
  postForm,
  redeem,
  signIn,
  tokensOf,
} from '../testing/openid.ts';
import { type ControlPlanes, startControlPlanes } from '../testing/running-control-plane.ts';
import { deviceGrant, tools } from './clients.ts';

// Many requests over TLS with passwords in between, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

describe('two replicas on one PostgreSQL, each request to the other one', () => {
  let planes: ControlPlanes;
  beforeAll(async () => {
    planes = await startControlPlanes('postgresql', { count: 2 });
  });
  afterAll(() => planes.stop());

  test('made one administrator and one signing key', async () => {
    const made = planes.replicas.flatMap(({ firstAdministrator }) => firstAdministrator ?? []);
    expect(made).toHaveLength(1);
    const { tables } = planes.replicas[0]?.context.database ?? {};
    expect(await tables?.selectFrom('openid_keys').select('sequence').execute()).toEqual([{ sequence: 1 }]);
  });

  test('a sign-in with a new password, its tokens, and a device', async () => {
    const { userName, password } = planes.administrator;
    const { access, refresh, request, browser } = await tokensOf(planes, userName, password);
    const renewed = await refreshTokenGrant(request.configuration, refresh);
    for (const token of [access, renewed.access_token]) {
      // Both replicas know both.
      expect((await askApi(planes.fetch, token)).status).toBe(200);
      expect((await askApi(planes.fetch, token)).status).toBe(200);
    }
    const asked = await initiateDeviceAuthorization(await discover(planes, tools), { scope: 'openid api' });
    await browser.open(asked.verification_uri);
    await browser.submit({ user_code: asked.user_code });
    await browser.submit({}, 'confirm');
    const answer = await postForm(planes.fetch, '/token', {
      grant_type: deviceGrant,
      client_id: tools,
      device_code: asked.device_code,
    });
    expect(answer.status).toBe(200);
  });

  test('two-requests-one-code at two replicas: none of them keeps a token', async () => {
    for (let round = 0; round < 5; round += 1) {
      const browser = new Browser(planes.fetch);
      const request = await openSignIn(planes, browser);
      const { url } = await signIn(browser, planes.administrator.userName, chosenPassword);
      const results = await Promise.allSettled([redeem(request, url), redeem(request, url)]);
      const given = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      expect(given.length).toBeLessThanOrEqual(1);
      for (const { access_token: access, refresh_token: refresh = '' } of given) {
        expect((await askApi(planes.fetch, access)).status).toBe(401);
        await expect(refreshTokenGrant(request.configuration, refresh)).rejects.toThrow();
      }
    }
  });

  test('what was ended at one replica is ended at the other with the next request', async () => {
    const { access } = await tokensOf(planes, planes.administrator.userName, chosenPassword);
    const me = await askApi(planes.fetch, access, '/api/v1/signInSessions?$orderby=id desc&$top=1');
    const [session] = JSON.parse(await me.text()).value;
    await askApi(planes.fetch, access, `/api/v1/signInSessions/${session.id}`, 'DELETE');
    expect((await askApi(planes.fetch, access)).status).toBe(401);
    expect((await askApi(planes.fetch, access)).status).toBe(401);
  });
});
