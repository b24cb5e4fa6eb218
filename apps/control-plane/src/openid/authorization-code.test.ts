import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  fetchUserInfo,
  randomPKCECodeVerifier,
  refreshTokenGrant,
} from 'openid-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser } from '../testing/browser.ts';
import { discover, signIn } from '../testing/openid.ts';
import { type ControlPlanes, publicUrl, startControlPlanes } from '../testing/running-control-plane.ts';
import { adminCentre } from './clients.ts';

describe.each(['sqlite', 'postgresql'] as const)('the authorization code flow (%s)', (engine) => {
  let planes: ControlPlanes;
  beforeAll(async () => {
    planes = await startControlPlanes(engine);
  });
  afterAll(() => planes.stop());

  test('first sign-in', async () => {
    const configuration = await discover(planes, adminCentre);
    const verifier = randomPKCECodeVerifier();
    const url = buildAuthorizationUrl(configuration, {
      redirect_uri: `${publicUrl}/signed-in`,
      scope: 'openid profile offline_access api',
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state: 'x',
    });
    const browser = new Browser(planes.fetch);
    const first = await browser.open(url.href);
    expect(first.status).toBe(200);
    const { userName, password } = planes.administrator;
    const last = await signIn(browser, userName, password);
    expect(last.url).toContain('/signed-in?code=');
    const tokens = await authorizationCodeGrant(configuration, new URL(last.url), {
      pkceCodeVerifier: verifier,
      expectedState: 'x',
      idTokenExpected: true,
    });
    console.log(tokens, tokens.claims());
    const sub = tokens.claims()?.sub ?? '';
    console.log(await fetchUserInfo(configuration, tokens.access_token, sub));
    const refreshed = await refreshTokenGrant(configuration, tokens.refresh_token ?? '');
    const answer = await planes.fetch(`${publicUrl}/api/v1/signInSessions`, {
      headers: { authorization: `Bearer ${refreshed.access_token}` },
    });
    console.log(answer.status, await answer.text());
  });
});
