import type { Adapter, AdapterFactory } from 'oidc-provider';
import { expect, test } from 'vitest';
import { TestContext } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { artifactAdapter } from './adapter.ts';
import { purgeExpiredArtifacts } from './purge.ts';
import { beginSignIn, endSessionsOf, endSignIns, holdSession } from './sign-in-sessions.ts';

describeOnEachEngine('the artifacts of the provider', (database) => {
  const context = () => new TestContext(database());
  const adapter = (kind: string): Adapter => (artifactAdapter(context()) as AdapterFactory)(kind);
  const inAnHour = () => Math.floor(context().now().getTime() / 1000) + 3600;
  const rows = () => database().tables.selectFrom('openid_artifacts').selectAll().execute();

  test('are found by identifier, session and code, on any replica', async () => {
    const session = { kind: 'Session', jti: 'cookie', uid: 'uid-1', exp: inAnHour() };
    await adapter('Session').upsert('cookie', session, 3600);
    expect(await adapter('Session').find('cookie')).toEqual(session);
    expect(await adapter('Session').findByUid('uid-1')).toEqual(session);
    const code = { kind: 'DeviceCode', jti: 'device', userCode: 'BCDFGHJK', exp: inAnHour() };
    await adapter('DeviceCode').upsert('device', code, 600);
    expect(await adapter('DeviceCode').findByUserCode('BCDFGHJK')).toEqual(code);
    await adapter('DeviceCode').upsert('device', { ...code, inFlight: true }, 600);
    expect(await adapter('DeviceCode').find('device')).toEqual({ ...code, inFlight: true });
    await adapter('DeviceCode').destroy('device');
    expect(await adapter('DeviceCode').find('device')).toBeUndefined();
  });

  test.each([
    ['Interaction', { params: { state: 'x'.repeat(2_048) } }],
    ['DeviceCode', { params: { scope: 'x'.repeat(2_048) } }],
  ])('parameters-long: refused before a stranger fills the disk with them (%s)', async (kind, payload) => {
    const before = await rows();
    await expect(adapter(kind).upsert('long', { ...payload, exp: inAnHour() }, 60)).rejects.toMatchObject({
      error: 'invalid_request',
    });
    expect(await rows()).toEqual(before);
    const state = { secret: 'a', state: 'x'.repeat(2_048) };
    await adapter('Session').upsert('long', { uid: 'long', state, exp: inAnHour() }, 60);
    expect(await adapter('Session').find('long')).not.toHaveProperty('state');
  });

  test('kind-confused: a token of one kind is none of another', async () => {
    await adapter('RefreshToken').upsert('text', { kind: 'RefreshToken', jti: 'text', exp: inAnHour() }, 60);
    expect(await adapter('AccessToken').find('text')).toBeUndefined();
    expect(await adapter('Client').find('text')).toBeUndefined();
  });

  test('whoever reads the table finds no cookie, token or code', async () => {
    await adapter('AccessToken').upsert(
      'bearer-text',
      { kind: 'AccessToken', jti: 'bearer-text', userCode: 'LMNPQRST', exp: inAnHour() },
      60,
    );
    const text = JSON.stringify(await rows());
    for (const secret of ['bearer-text', 'LMNPQRST', 'cookie', 'BCDFGHJK'])
      expect(text).not.toContain(secret);
  });

  test('row-moved: a payload does not open in the place of another', async () => {
    await adapter('AccessToken').upsert('one', { kind: 'AccessToken', accountId: 'a', exp: inAnHour() }, 60);
    await adapter('AccessToken').upsert('two', { kind: 'AccessToken', accountId: 'b', exp: inAnHour() }, 60);
    const [row] = await database()
      .tables.selectFrom('openid_artifacts')
      .select('payload')
      .where('account_id', '=', 'b')
      .execute();
    await database()
      .tables.updateTable('openid_artifacts')
      .set({ payload: row?.payload ?? '' })
      .where('account_id', '=', 'a')
      .execute();
    await expect(adapter('AccessToken').find('one')).rejects.toThrow('does not open');
  });

  test('of many at the same time one consumes; the others end the grant', async () => {
    const grantId = 'grant-1';
    const sealed = { accountId: 'a', clientId: 'culvert-tools', grantId, exp: inAnHour() };
    await adapter('Grant').upsert(grantId, { kind: 'Grant', ...sealed }, 3600);
    await adapter('AuthorizationCode').upsert('code', { kind: 'AuthorizationCode', ...sealed }, 60);
    await adapter('AccessToken').upsert('access', { kind: 'AccessToken', ...sealed }, 60);
    const uses = await Promise.allSettled(
      [1, 2, 3, 4].map(() => adapter('AuthorizationCode').consume('code')),
    );
    expect(uses.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const use of uses) {
      if (use.status === 'rejected') expect(use.reason).toMatchObject({ error: 'invalid_grant' });
    }
    expect(await adapter('Grant').find(grantId)).toBeUndefined();
    expect(await adapter('AccessToken').find('access')).toBeUndefined();
  });

  test('a code that was consumed says so when it comes again', async () => {
    await adapter('RefreshToken').upsert('used', { kind: 'RefreshToken', exp: inAnHour() }, 60);
    await adapter('RefreshToken').consume('used');
    expect(await adapter('RefreshToken').find('used')).toMatchObject({ consumed: expect.any(Number) });
  });

  async function signedIn(accountId: string, sessionUid: string, grantId: string): Promise<void> {
    const exp = inAnHour();
    await adapter('Session').upsert(`cookie-${sessionUid}`, { uid: sessionUid, accountId, exp }, 3600);
    await adapter('Grant').upsert(grantId, { accountId, clientId: 'culvert-admin-centre', exp }, 3600);
    await adapter('AccessToken').upsert(`access-${grantId}`, { accountId, grantId, sessionUid, exp }, 60);
    await beginSignIn(
      database().tables,
      {
        account: { id: accountId, userName: accountId },
        clientId: 'culvert-admin-centre',
        address: '192.0.2.1',
        userAgent: 'x'.repeat(1_000),
        sessionUid,
        grantId,
        expiresAt: new Date(exp * 1000),
      },
      context().now(),
    );
  }

  test('everything of an account ends together, but for the session that is kept', async () => {
    await signedIn('kaori', 'here', 'grant-here');
    await signedIn('kaori', 'there', 'grant-there');
    await signedIn('other', 'elsewhere', 'grant-elsewhere');
    await endSessionsOf(database().tables, 'kaori', context().now(), 'here');
    const found = async (uid: string) =>
      Promise.all([
        adapter('Session').findByUid(uid),
        adapter('Grant').find(`grant-${uid}`),
        adapter('AccessToken').find(`access-grant-${uid}`),
      ]).then((all) => all.map((one) => one !== undefined));
    expect(await found('here')).toEqual([true, true, true]);
    expect(await found('there')).toEqual([false, false, false]);
    expect(await found('elsewhere')).toEqual([true, true, true]);
    await endSessionsOf(database().tables, 'kaori', context().now());
    expect(await found('here')).toEqual([false, false, false]);
    const left = await database().tables.selectFrom('sign_in_sessions').select('account_id').execute();
    expect(left).toEqual([{ account_id: 'other' }]);
  });

  test('a session that was ended is not written back by a request that had begun before', async () => {
    await signedIn('ayumi', 'ended', 'grant-ended');
    const payload = await adapter('Session').find('cookie-ended');
    await endSessionsOf(database().tables, 'ayumi', context().now());
    await adapter('Session').upsert('cookie-ended', payload ?? {}, 3600);
    expect(await adapter('Session').find('cookie-ended')).toBeUndefined();
    // After a sign-in, the library gives the session another identifier.
    await adapter('Session').destroy('cookie-ended');
    await adapter('Session').upsert('cookie-renamed', payload ?? {}, 3600);
    expect(await adapter('Session').find('cookie-renamed')).toBeUndefined();
    expect(await adapter('Session').findByUid('ended')).toBeUndefined();
    expect(await holdSession(database().tables, 'ended')).toBe(false);
    expect(await holdSession(database().tables, 'never seen')).toBe(true);
  });

  test('a sign-in that ends takes the session of its browser along, unless the browser signs in anew', async () => {
    for (const uid of ['gone', 'stays']) await signedIn('ren', uid, `grant-${uid}`);
    const end = (uid: string, keepBrowser: boolean) =>
      database()
        .tables.transaction()
        .execute((tables) =>
          endSignIns(
            tables,
            { grantId: `grant-${uid}` },
            context().now(),
            () => ({ actor: { kind: 'system', name: 'test' }, action: 'signOut' }),
            { keepBrowser },
          ),
        );
    await end('gone', false);
    await end('stays', true);
    await adapter('Session').upsert('cookie-gone', { uid: 'gone', exp: inAnHour() }, 3600);
    expect(await adapter('Session').find('cookie-gone')).toBeUndefined();
    expect(await adapter('Session').find('cookie-stays')).toBeDefined();
  });

  test('what has ended is deleted in batches, ten minutes later', async () => {
    const moment = context();
    const past = Math.floor(moment.now().getTime() / 1000) - 3600;
    await adapter('Interaction').upsert('old', { exp: past }, 1);
    const { tables } = database();
    const old = await tables
      .selectFrom('openid_artifacts')
      .selectAll()
      .where('kind', '=', 'Interaction')
      .executeTakeFirstOrThrow();
    const more = Array.from({ length: 500 }, (_, index) => ({ ...old, id: `old-${index}` }));
    await tables.insertInto('openid_artifacts').values(more).execute();
    await adapter('Interaction').upsert('just-ended', { exp: past + 3600 - 60 }, 1);
    const before = (await rows()).length;
    expect(await purgeExpiredArtifacts(database().tables, moment.now())).toBe(true);
    expect((await rows()).length).toBe(before - 500);
    expect(await purgeExpiredArtifacts(database().tables, moment.now())).toBe(false);
    expect((await rows()).length).toBe(before - 501);
    expect(await adapter('Interaction').find('just-ended')).toBeDefined();
  });
});
