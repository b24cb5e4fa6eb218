import type { FastifyInstance } from 'fastify';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { ensureBuiltInRoles } from '../roles/built-in-roles.ts';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { GraphCaller } from '../testing/graph.ts';
import { findAccount } from './account.ts';
import { from, goodPassword, makeAccount } from './account-testing.ts';
import { checkCode, checkPassword, nextStep } from './sign-in.ts';
import { codeAt } from './totp.ts';

const url = '/api/v1/me';
const step = 30_000;

describeOnEachEngine('your own account', (database) => {
  let context: TestContext;
  let application: FastifyInstance;
  let me: GraphCaller;
  let id: string;
  let userName = '';
  let counter = 0;

  beforeAll(async () => {
    context = new TestContext(database());
    application = await testApplication(context, registerRoutes);
    await ensureBuiltInRoles(database());
  });
  beforeEach(async () => {
    await database().tables.deleteFrom('sign_in_throttle').execute();
    counter += 1;
    userName = `user${counter}`;
    id = await makeAccount(context, userName);
    context.letIn(
      id,
      { permissions: new Set(['Culvert_Audit_Read']), scopeTagIds: new Set(['7', '3']) },
      { permissions: new Set(['Culvert_Sessions_Read']), scopeTagIds: 'all' },
    );
    me = new GraphCaller(application, id);
  });

  const begin = async (): Promise<string> => (await me.post(`${url}/secondFactor/begin`)).body.secret;
  const setUp = async () => {
    const secret = await begin();
    const confirmed = await me.post(`${url}/secondFactor/confirm`, { code: codeAt(secret, context.now()) });
    expect(confirmed.status).toBe(200);
    context.pass(step);
    return { secret, recoveryCodes: confirmed.body.recoveryCodes as string[] };
  };
  const check = async (code: string) => (await checkCode(context, id, code, from())).kind;
  const next = async () => {
    const account = await findAccount(database().tables, id);
    return account === undefined ? undefined : nextStep(account, { code: false });
  };

  test('is shown with what it may do, and over what', async () => {
    const { status, body } = await me.get(url);
    expect(status).toBe(200);
    expect(body).toEqual({
      id,
      userName,
      displayName: userName,
      groups: [],
      hasSecondFactor: false,
      providerId: null,
      permissions: [
        { id: 'Culvert_Sessions_Read', scopeTagIds: null },
        { id: 'Culvert_Audit_Read', scopeTagIds: ['3', '7'] },
      ],
    });
  });

  test('is nothing that a token or a stranger has', async () => {
    const stranger = new GraphCaller(application, 'administrator');
    const refused = await stranger.get(url);
    expect([refused.status, refused.body.error.message]).toEqual([
      403,
      expect.stringContaining('no account'),
    ]);
    expect((await new GraphCaller(application, 'nobody').get(url)).status).toBe(401);
  });

  test('gets another password only with the present one', async () => {
    const change = (presentPassword: string, newPassword: string) =>
      me.post(`${url}/changePassword`, { presentPassword, newPassword });
    const wrong = await change('wrong', 'nine slow trains');
    expect([wrong.status, wrong.body.error.details[0].target]).toEqual([400, 'presentPassword']);
    const weak = await change(goodPassword, userName);
    expect([weak.status, weak.body.error.details[0].target]).toEqual([400, 'newPassword']);
    expect((await change(goodPassword, 'nine slow trains')).status).toBe(204);
    expect((await checkPassword(context, userName, 'nine slow trains', from())).kind).toBe('accepted');
  });

  test('is throttled here like everywhere', async () => {
    const change = () =>
      me.post(`${url}/changePassword`, { presentPassword: 'wrong', newPassword: 'nine slow trains' });
    for (let time = 0; time < 5; time += 1) expect((await change()).status).toBe(400);
    const throttled = await change();
    expect([throttled.status, throttled.headers['retry-after']]).toEqual([429, '1']);
  });

  test('gets a second factor after a code has proved it, and eight recovery codes', async () => {
    const begun = await me.post(`${url}/secondFactor/begin`);
    expect(begun.body.otpauthUrl).toMatch(/^otpauth:\/\/totp\/Culvert%20control\.test:user\d+\?issuer=/);
    expect(await next()).toBe('done');
    const { secret } = begun.body;
    const right = codeAt(secret, context.now());
    const wrong = right === '000000' ? '000001' : '000000';
    expect((await me.post(`${url}/secondFactor/confirm`, { code: wrong })).status).toBe(400);
    const confirmed = await me.post(`${url}/secondFactor/confirm`, { code: right });
    expect(new Set(confirmed.body.recoveryCodes).size).toBe(8);
    expect(await next()).toBe('code');
    expect((await me.post(`${url}/secondFactor/begin`)).status).toBe(409);
    expect((await me.post(`${url}/secondFactor/confirm`, { code: right })).status).toBe(409);
    const kept = JSON.stringify([
      await database().tables.selectFrom('accounts').selectAll().execute(),
      await database().tables.selectFrom('account_recovery_codes').selectAll().execute(),
      await database().tables.selectFrom('audit_entries').selectAll().execute(),
    ]);
    for (const text of [secret, ...confirmed.body.recoveryCodes]) expect(kept).not.toContain(text);
  });

  test('cannot confirm a second factor that was not begun', async () => {
    expect((await me.post(`${url}/secondFactor/confirm`, { code: '123456' })).status).toBe(409);
    expect((await me.post(`${url}/secondFactor/remove`, { code: '123456' })).status).toBe(409);
  });

  test('a code works once, also when it is typed twice at the same time', async () => {
    const { secret } = await setUp();
    const code = codeAt(secret, context.now());
    const answers = await Promise.all([check(code), check(code), check(code)]);
    expect(answers.sort()).toEqual(['accepted', 'refused', 'refused']);
    context.pass(step);
    expect(
      await check(`${codeAt(secret, context.now()).slice(0, 3)} ${codeAt(secret, context.now()).slice(3)}`),
    ).toBe('accepted');
  });

  test('the code that confirmed the second factor does not work again', async () => {
    const secret = await begin();
    const code = codeAt(secret, context.now());
    await me.post(`${url}/secondFactor/confirm`, { code });
    expect(await check(code)).toBe('refused');
  });

  test('codes of the steps beside the present one work, those further away do not', async () => {
    const { secret } = await setUp();
    const at = (steps: number) => codeAt(secret, new Date(context.now().getTime() + steps * step));
    expect(await check(at(-2))).toBe('refused');
    expect(await check(at(2))).toBe('refused');
    expect(await check(at(1))).toBe('accepted');
    // An older one than the last used is never taken again.
    expect(await check(at(0))).toBe('refused');
  });

  test('a recovery code works once, however it is written', async () => {
    const { recoveryCodes } = await setUp();
    const [first = '', second = ''] = recoveryCodes;
    expect(await check(first)).toBe('accepted');
    expect(await check(first)).toBe('refused');
    expect(await check(` ${second.replace('-', '').toUpperCase()} `)).toBe('accepted');
    expect(await check('aaaaa-aaaaa')).toBe('refused');
    const entries = await database()
      .tables.selectFrom('audit_entries')
      .select(['actor_id', 'address', 'request_id'])
      .where('action', '=', 'account.useRecoveryCode')
      .where('object_id', '=', id)
      .execute();
    const entry = { actor_id: id, address: from().address, request_id: from().requestId };
    expect(entries).toEqual([entry, entry]);
  });

  test('guessing codes is slowed down like guessing passwords, also behind right passwords', async () => {
    await setUp();
    for (let time = 0; time < 5; time += 1) {
      expect((await checkPassword(context, userName, goodPassword, from())).kind).toBe('accepted');
      expect(await check('bbbbb-bbbbb')).toBe('refused');
    }
    expect(await check('bbbbb-bbbbb')).toBe('throttled');
    expect((await checkPassword(context, userName, goodPassword, from())).kind).toBe('throttled');
  });

  test('loses its second factor with a code, or by an administrator', async () => {
    const { secret } = await setUp();
    expect((await me.post(`${url}/secondFactor/remove`, { code: 'aaaaa-aaaaa' })).status).toBe(400);
    const removed = await me.post(`${url}/secondFactor/remove`, { code: codeAt(secret, context.now()) });
    expect([removed.status, await next()]).toEqual([204, 'done']);
    const again = await setUp();
    const administrator = new GraphCaller(application);
    expect((await administrator.post(`/api/v1/accounts/${id}/resetSecondFactor`)).status).toBe(204);
    expect(await next()).toBe('done');
    expect(await check(again.recoveryCodes[0] ?? '')).toBe('refused');
  });
});
