import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { from } from '../accounts/account-testing.ts';
import type { Context } from '../context.ts';
import { SecretBox } from '../secrets/secret-box.ts';
import { TestContext } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { listEnabledProviders, purposeOf } from './provider.ts';
import {
  clientId,
  clientSecret,
  type Forgery,
  type Listening,
  redirectUri,
  startForgery,
  startProvider,
  visit,
} from './provider-testing.ts';
import { beginUpstream, finishUpstream } from './upstream-sign-in.ts';

describeOnEachEngine('signing in through an identity provider', (database) => {
  let context: TestContext;
  let counter = 0;
  let provider: Listening;
  let claims: Record<string, unknown> = {};
  let forger: Listening;
  let forgery: Forgery = {};
  let nonce = '';

  beforeAll(async () => {
    context = new TestContext(database());
    provider = await startProvider(() => claims);
    forger = await startForgery(() => ({ nonce, ...forgery }));
  });
  beforeEach(async () => {
    claims = { preferred_username: 'aki@example.com', name: 'Ueda Aki', groups: ['Staff', 'Tunnel'] };
    forgery = { claims: { preferred_username: 'aki' } };
    await database().tables.deleteFrom('sign_in_throttle').execute();
  });
  afterEach(async () => {
    await database().tables.updateTable('identity_providers').set({ is_enabled: 0 }).execute();
  });
  afterAll(async () => {
    await provider.stop();
    await forger.stop();
  });

  const addProvider = async (issuer: string, changes: { allowed?: string[]; secret?: string } = {}) => {
    counter += 1;
    const id = `provider-${counter}`;
    const secret = changes.secret ?? clientSecret;
    await database()
      .tables.insertInto('identity_providers')
      .values({
        id,
        version: 1,
        display_name: `Directory ${counter}`,
        issuer,
        client_id: clientId,
        client_secret: context.secrets.seal(secret, purposeOf(issuer)),
        has_client_secret: 1,
        scopes: '["openid","profile"]',
        user_name_claim: 'preferred_username',
        groups_claim: 'groups',
        allowed_groups: JSON.stringify(changes.allowed ?? []),
        is_enabled: 1,
      })
      .execute();
    return { id };
  };
  const begin = async (id: string) => {
    const begun = await beginUpstream(context, { id }, redirectUri);
    if (!begun.ok) throw new Error(begun.refusal.message);
    nonce = begun.url.searchParams.get('nonce') ?? '';
    return begun;
  };
  const signIn = async (id: string, other: Context = context) => {
    const { url, sealedState } = await begin(id);
    return finishUpstream(other, sealedState, await visit(url), from());
  };
  /** The forger needs no browser: every code is good there. */
  const signInAtForger = async () => {
    const { id } = await addProvider(forger.issuer);
    const { url, sealedState } = await begin(id);
    const state = url.searchParams.get('state') ?? '';
    const callback = new URL(`${redirectUri}?${new URLSearchParams({ code: 'any', state })}`);
    return finishUpstream(context, sealedState, callback, from());
  };
  const failures = async () => {
    const rows = await database()
      .tables.selectFrom('audit_entries')
      .select(['actor_name', 'detail'])
      .where('outcome', '=', 'failure')
      .orderBy('id')
      .execute();
    return rows.map(({ detail }) => detail ?? '');
  };

  test('somebody whom the provider knows gets an account, the same one every time', async () => {
    const { id } = await addProvider(provider.issuer);
    const first = await signIn(id);
    expect(first).toMatchObject({
      ok: true,
      account: {
        userName: 'aki@example.com',
        displayName: 'Ueda Aki',
        groups: ['Staff', 'Tunnel'],
        providerId: id,
        isEnabled: true,
        hasSecondFactor: false,
      },
    });
    claims = { ...claims, preferred_username: 'aki.mori@example.com', groups: 'Tunnel' };
    const second = await signIn(id);
    expect(second).toMatchObject({
      ok: true,
      account: { userName: 'aki.mori@example.com', groups: ['Tunnel'] },
    });
    expect(second.ok && first.ok && second.account.id === first.account.id).toBe(true);
    const entries = await database()
      .tables.selectFrom('audit_entries')
      .select('action')
      .where('object_id', '=', first.ok ? first.account.id : '')
      .orderBy('id')
      .execute();
    expect(entries.map(({ action }) => action)).toEqual(['account.create', 'account.update']);
  });

  test('the address asks for PKCE, nonce and state, and any replica can take the answer', async () => {
    const { id } = await addProvider(provider.issuer);
    const { url, sealedState } = await begin(id);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      client_id: clientId,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: 'openid profile',
      code_challenge_method: 'S256',
      state: expect.stringMatching(/.{40,}/),
      nonce: expect.stringMatching(/.{40,}/),
    });
    const replica = new TestContext(database());
    expect((await finishUpstream(replica, sealedState, await visit(url), from())).ok).toBe(true);
  });

  test('an answer works once', async () => {
    const { id } = await addProvider(provider.issuer);
    const { url, sealedState } = await begin(id);
    const callback = await visit(url);
    expect((await finishUpstream(context, sealedState, callback, from())).ok).toBe(true);
    expect(await finishUpstream(context, sealedState, callback, from())).toMatchObject({
      ok: false,
      refusal: { kind: 'clientRefused', message: expect.stringContaining('invalid_grant') },
    });
  });

  test('the answer to another sign-in is refused', async () => {
    const { id } = await addProvider(provider.issuer);
    const one = await begin(id);
    const two = await begin(id);
    const answer = await finishUpstream(context, one.sealedState, await visit(two.url), from());
    expect(answer).toMatchObject({ ok: false, refusal: { kind: 'notForUs' } });
  });

  test('an answer to another address is refused before anything is asked', async () => {
    const { id } = await addProvider(provider.issuer);
    const { url, sealedState } = await begin(id);
    const callback = await visit(url);
    callback.hostname = 'other.test';
    const answer = await finishUpstream(context, sealedState, callback, from());
    expect(answer).toMatchObject({ ok: false, refusal: { kind: 'notForUs' } });
  });

  test('state that was changed, is of another key, or is old is refused', async () => {
    const { id } = await addProvider(provider.issuer);
    const { url, sealedState } = await begin(id);
    const callback = await visit(url);
    const changed = `${sealedState.slice(0, -4)}${sealedState.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`;
    const ofAnother = new SecretBox(Buffer.alloc(32, 9)).seal('{}', 'sign-in through an identity provider');
    for (const state of ['', 'x', changed, ofAnother]) {
      const answer = await finishUpstream(context, state, callback, from());
      expect(answer).toMatchObject({ ok: false, refusal: { kind: 'expired' } });
    }
    const later = new TestContext(database());
    later.pass(24 * 3_600_000);
    const answer = await finishUpstream(later, sealedState, callback, from());
    expect(answer).toMatchObject({ ok: false, refusal: { kind: 'expired' } });
  });

  test('a sign-in that the provider refused or somebody cancelled says so', async () => {
    const { id } = await addProvider(provider.issuer);
    const answerWith = async (error: string) => {
      const { url, sealedState } = await begin(id);
      const query = { error, state: url.searchParams.get('state') ?? '', iss: provider.issuer };
      const callback = new URL(`${redirectUri}?${new URLSearchParams(query)}`);
      return finishUpstream(context, sealedState, callback, from());
    };
    expect(await answerWith('access_denied')).toMatchObject({ refusal: { kind: 'cancelled' } });
    expect(await answerWith('<b>invalid_scope</b>')).toMatchObject({
      refusal: { kind: 'clientRefused', message: expect.stringContaining('"binvalid_scope/b"') },
    });
  });

  test('a wrong client secret is told as such', async () => {
    const { id } = await addProvider(provider.issuer, { secret: 'wrong' });
    const answer = await signIn(id);
    expect(answer).toMatchObject({
      refusal: { kind: 'clientRefused', message: expect.stringContaining('invalid_client') },
    });
    expect(JSON.stringify([answer, await failures()])).not.toContain('wrong"');
  });

  test('who is in none of the allowed groups stays out, and no account is made', async () => {
    claims = { ...claims, preferred_username: 'stranger' };
    const { id } = await addProvider(provider.issuer, { allowed: ['Administrators'] });
    expect(await signIn(id)).toMatchObject({
      refusal: { kind: 'notInGroup', message: expect.stringContaining('stranger is in none of the groups') },
    });
    const made = await database()
      .tables.selectFrom('accounts')
      .select('id')
      .where('provider_id', '=', id)
      .execute();
    expect(made).toEqual([]);
    expect((await failures()).at(-1)).toContain('stranger is in none of the groups');
    claims = { ...claims, groups: ['Staff', 'Administrators'] };
    expect((await signIn(id)).ok).toBe(true);
  });

  test('a disabled account and a disabled provider stay out', async () => {
    const { id } = await addProvider(provider.issuer);
    await signIn(id);
    await database()
      .tables.updateTable('accounts')
      .set({ is_enabled: 0 })
      .where('provider_id', '=', id)
      .execute();
    expect(await signIn(id)).toMatchObject({ refusal: { kind: 'disabled' } });
    const { url, sealedState } = await begin(id);
    const callback = await visit(url);
    await database().tables.updateTable('identity_providers').set({ is_enabled: 0 }).execute();
    expect(await finishUpstream(context, sealedState, callback, from())).toMatchObject({
      refusal: { kind: 'disabled' },
    });
    expect(await beginUpstream(context, { id }, redirectUri)).toMatchObject({
      refusal: { kind: 'disabled' },
    });
    expect(await beginUpstream(context, { id: 'none' }, redirectUri)).toMatchObject({ ok: false });
    expect(await listEnabledProviders(database().tables)).toEqual([]);
  });

  test('a provider that cannot be reached, or is none, is told as such and counts against nobody', async () => {
    const gone = await startForgery(() => ({ nonce }));
    const { id } = await addProvider(gone.issuer);
    const { url, sealedState } = await begin(id);
    await gone.stop();
    expect(await beginUpstream(context, { id }, redirectUri)).toMatchObject({
      refusal: { kind: 'unreachable', message: expect.stringContaining('cannot be reached') },
    });
    const state = url.searchParams.get('state') ?? '';
    const callback = new URL(`${redirectUri}?${new URLSearchParams({ code: 'any', state })}`);
    for (let time = 0; time < 12; time += 1) {
      const answer = await finishUpstream(context, sealedState, callback, from());
      expect(answer).toMatchObject({ refusal: { kind: 'unreachable' } });
    }
    const none = await addProvider(`${provider.issuer}/elsewhere`);
    expect(await beginUpstream(context, none, redirectUri)).toMatchObject({
      refusal: { kind: 'unreachable', message: expect.stringContaining('status 404') },
    });
  });

  test('answers that are refused again and again are slowed down', async () => {
    forgery = { without: ['nonce'] };
    for (let time = 0; time < 10; time += 1)
      expect(await signInAtForger()).toMatchObject({ refusal: { kind: 'notForUs' } });
    expect(await signInAtForger()).toMatchObject({ refusal: { kind: 'throttled' } });
  });

  test('an ID token that is right is taken, with whichever published key it is signed', async () => {
    expect(await signInAtForger()).toMatchObject({ ok: true, account: { userName: 'aki', groups: [] } });
    forgery = { ...forgery, algorithm: 'ES256' };
    expect((await signInAtForger()).ok).toBe(true);
  });

  const hour = 3_600;
  const now = () => Math.floor(Date.now() / 1_000);
  const hostile: [string, () => Forgery, string][] = [
    ['id-token-issuer-wrong', () => ({ claims: { iss: 'https://evil.example.com' } }), '"iss"'],
    ['id-token-audience-wrong', () => ({ claims: { aud: 'another client' } }), '"aud"'],
    ['id-token-audience-of-several-without-azp', () => ({ claims: { aud: [clientId, 'another'] } }), '"aud"'],
    ['id-token-nonce-wrong', () => ({ claims: { nonce: 'another' } }), '"nonce"'],
    ['id-token-nonce-missing', () => ({ without: ['nonce'] }), 'nonce'],
    ['id-token-subject-missing', () => ({ without: ['sub'] }), 'sub'],
    ['id-token-expired', () => ({ claims: { exp: now() - hour } }), 'has expired'],
    ['id-token-expiry-missing', () => ({ without: ['exp'] }), 'exp'],
    ['id-token-not-valid-yet', () => ({ claims: { nbf: now() + hour } }), 'not valid yet'],
    ['id-token-algorithm-none', () => ({ algorithm: 'none' }), ''],
    ['id-token-algorithm-hs256-with-client-secret', () => ({ algorithm: 'HS256' }), ''],
    ['id-token-signed-with-foreign-key', () => ({ hasForeignKey: true }), 'signature'],
    [
      'id-token-missing',
      () => ({ token: { status: 200, body: { access_token: 'a', token_type: 'bearer' } } }),
      '',
    ],
    [
      'id-token-no-jwt',
      () => ({ token: { status: 200, body: { access_token: 'a', token_type: 'bearer', id_token: 'x' } } }),
      '',
    ],
  ];
  test.each(hostile)('%s: refused', async (_name, make, reason) => {
    const { claims: changed = {}, ...others } = make();
    forgery = { ...others, claims: { preferred_username: 'aki', ...changed } };
    const answer = await signInAtForger();
    expect(answer).toMatchObject({ ok: false, refusal: { kind: 'notForUs' } });
    expect(answer.ok ? '' : answer.refusal.message).toContain(reason);
  });

  test('metadata-issuer-wrong: refused', async () => {
    const { id } = await addProvider(forger.issuer);
    forgery = { metadata: { issuer: 'https://evil.example.com' } };
    expect(await beginUpstream(context, { id }, redirectUri)).toMatchObject({
      refusal: { kind: 'wrongIssuer', message: expect.stringContaining('another issuer') },
    });
  });

  test('metadata-token-endpoint-missing: refused', async () => {
    const { id } = await addProvider(forger.issuer);
    forgery = { metadata: { token_endpoint: undefined } };
    expect(await beginUpstream(context, { id }, redirectUri)).toMatchObject({
      refusal: { kind: 'wrongIssuer', message: expect.stringContaining('token_endpoint') },
    });
  });

  test('user-name-claim-missing: refused with the name of the claim', async () => {
    forgery = {};
    expect(await signInAtForger()).toMatchObject({
      refusal: { kind: 'claimMissing', message: expect.stringContaining('"preferred_username"') },
    });
  });

  test('groups-overage of Entra: refused instead of silently no groups', async () => {
    const elsewhere = {
      _claim_names: { groups: 'src1' },
      _claim_sources: { src1: { endpoint: 'https://x' } },
    };
    forgery = { claims: { preferred_username: 'aki', ...elsewhere } };
    expect(await signInAtForger()).toMatchObject({
      refusal: { kind: 'groupsMissing', message: expect.stringContaining('assigned to the application') },
    });
  });
});
