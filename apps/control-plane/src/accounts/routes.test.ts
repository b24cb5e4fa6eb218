import type { FastifyInstance } from 'fastify';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { ensureBuiltInRoles } from '../roles/built-in-roles.ts';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { GraphCaller } from '../testing/graph.ts';
import { findAccount } from './account.ts';
import { assign, from, goodPassword, makeAccount } from './account-testing.ts';
import { checkPassword } from './sign-in.ts';
import { accountOfUpstream } from './upstream.ts';

const path = '/api/v1/accounts';

describeOnEachEngine('accounts', (database) => {
  let context: TestContext;
  let application: FastifyInstance;
  let administrator: GraphCaller;
  let operator: GraphCaller;
  let counter = 0;
  let userName = '';

  beforeAll(async () => {
    context = new TestContext(database());
    context.letInWith(
      'operator',
      'Culvert_Accounts_Create',
      'Culvert_Accounts_Read',
      'Culvert_Accounts_Update',
      'Culvert_Accounts_Delete',
    );
    application = await testApplication(context, registerRoutes);
    await ensureBuiltInRoles(database());
    administrator = new GraphCaller(application);
    operator = new GraphCaller(application, 'operator');
  });
  beforeEach(() => {
    counter += 1;
    userName = `user${counter}`;
  });

  const signIn = async (name: string, password: string) =>
    (await checkPassword(context, name, password, from())).kind;
  const makeAdministrator = async (name: string) => {
    const id = await makeAccount(context, name);
    await assign(context, 'account', id, 'administrator');
    return id;
  };
  const withoutAdministrators = () => database().tables.deleteFrom('role_assignments').execute();
  const everythingWritten = async () =>
    JSON.stringify(await database().tables.selectFrom('audit_entries').selectAll().execute());

  test('are made with a generated password that is shown once and must be changed', async () => {
    const made = await operator.post(path, { userName, displayName: 'Ueda', groups: ['Staff'] });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      userName,
      displayName: 'Ueda',
      groups: ['Staff'],
      isEnabled: true,
      mustChangePassword: true,
      hasSecondFactor: false,
      providerId: null,
      lastSignInDateTime: null,
    });
    const { id, password } = made.body;
    expect(password).toMatch(/^([a-z0-9]{5}-){3}[a-z0-9]{5}$/);
    expect(await signIn(userName, password)).toBe('accepted');
    const read = await operator.get(`${path}/${id}`);
    expect(Object.keys(read.body).sort()).toEqual(
      [
        '@odata.etag',
        'createdDateTime',
        'displayName',
        'groups',
        'hasSecondFactor',
        'id',
        'isEnabled',
        'lastSignInDateTime',
        'mustChangePassword',
        'providerId',
        'userName',
      ].sort(),
    );
    const written = await everythingWritten();
    expect(written).toContain(id);
    expect(written).not.toContain(password);
    expect(written).not.toContain('argon2');
  });

  test('are made with a password that an administrator gives, when it follows the rules', async () => {
    const bad = await operator.post(path, { userName, password: 'password1234' });
    expect([bad.status, bad.body.error.details[0].target]).toEqual([400, 'password']);
    const wrong = await operator.post(path, { userName, password: 12, colour: 'blue' });
    expect(wrong.body.error.details).toHaveLength(2);
    const made = await operator.post(path, { userName, password: goodPassword, mustChangePassword: false });
    expect(made.body).toMatchObject({ userName, mustChangePassword: false });
    expect(made.body).not.toHaveProperty('password');
    expect(await signIn(userName, goodPassword)).toBe('accepted');
  });

  test('have names of their own, whatever their case', async () => {
    await makeAccount(context, userName);
    const taken = await operator.post(path, { userName: userName.toUpperCase() });
    expect([taken.status, taken.body.error.details[0].target]).toEqual([409, 'userName']);
    const odd = await operator.post(path, { userName: 'a b' });
    expect([odd.status, odd.body.error.details[0].target]).toEqual([400, 'userName']);
    const id = await makeAccount(context, `${userName}-other`);
    expect((await operator.patch(`${path}/${id}`, { userName })).status).toBe(409);
    expect((await operator.patch(`${path}/${id}`, { userName: `${userName}-new` })).status).toBe(200);
    expect(await signIn(`${userName}-new`, goodPassword)).toBe('accepted');
    expect(await signIn(`${userName}-other`, goodPassword)).toBe('refused');
  });

  test('are listed, filtered and changed like everything else', async () => {
    const id = await makeAccount(context, userName);
    const listed = await operator.get(`${path}?$filter=userName eq '${userName}' and isEnabled eq true`);
    expect(listed.body.value).toMatchObject([{ id, userName }]);
    const read = await operator.get(`${path}/${id}`);
    const changed = await operator.patch(`${path}/${id}`, { ...read.body, isEnabled: false });
    expect(changed.body).toMatchObject({ isEnabled: false, userName });
    expect(
      (await operator.patch(`${path}/${id}`, { isEnabled: true }, read.body['@odata.etag'])).status,
    ).toBe(412);
    expect(await signIn(userName, goodPassword)).toBe('refused');
    expect((await operator.patch(`${path}/${id}`, { passwordHash: 'x' })).status).toBe(400);
    expect((await operator.patch(`${path}/${id}`, { groups: 'Staff' })).status).toBe(400);
    expect((await operator.delete(`${path}/${id}`)).status).toBe(204);
    expect((await operator.get(`${path}/${id}`)).status).toBe(404);
  });

  test('get a new password that ends what the old one could do', async () => {
    const id = await makeAccount(context, userName);
    const reset = await operator.post(`${path}/${id}/resetPassword`);
    expect(reset.status).toBe(200);
    expect(await signIn(userName, goodPassword)).toBe('refused');
    expect(await signIn(userName, reset.body.password)).toBe('accepted');
    expect(await findAccount(database().tables, id)).toMatchObject({ mustChangePassword: true });
    expect(await everythingWritten()).not.toContain(reset.body.password);
    const given = await operator.post(`${path}/${id}/resetPassword`, { password: 'nine slow trains' });
    expect([given.status, given.body]).toEqual([200, {}]);
    const weak = await operator.post(`${path}/${id}/resetPassword`, { password: 'short' });
    expect([weak.status, weak.body.error.details[0].target]).toEqual([400, 'password']);
    expect((await operator.post(`${path}/none/resetPassword`)).status).toBe(404);
  });

  test('that hold more than the caller are out of reach', async () => {
    const id = await makeAdministrator(userName);
    const answers = [
      await operator.patch(`${path}/${id}`, { displayName: 'Changed' }),
      await operator.patch(`${path}/${id}`, { isEnabled: false }),
      await operator.delete(`${path}/${id}`),
      await operator.post(`${path}/${id}/resetPassword`),
      await operator.post(`${path}/${id}/resetSecondFactor`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
    expect(answers[3]?.body.error.message).toContain('Microsoft.Intune_MicrosoftTunnelGateway_Create');
    expect(await signIn(userName, goodPassword)).toBe('accepted');
    expect((await administrator.post(`${path}/${id}/resetPassword`)).status).toBe(200);
  });

  test('that hold more than the caller through a group are out of reach, and nobody joins it to a group like that', async () => {
    const strong = `Administrators ${userName}`;
    await assign(context, 'group', strong, 'administrator');
    const id = await makeAccount(context, userName, { group_names: JSON.stringify([strong]) });
    expect((await operator.post(`${path}/${id}/resetPassword`)).status).toBe(403);
    const weak = await makeAccount(context, `${userName}-weak`);
    const joined = await operator.patch(`${path}/${weak}`, { groups: [strong] });
    expect([joined.status, joined.body.error.message]).toEqual([
      403,
      expect.stringContaining('these groups give'),
    ]);
    expect((await operator.post(path, { userName: `${userName}-new`, groups: [strong] })).status).toBe(403);
    expect((await administrator.patch(`${path}/${weak}`, { groups: [strong] })).status).toBe(200);
  });

  test('of the last administrator cannot be disabled, deleted or taken out of the group', async () => {
    await withoutAdministrators();
    const only = await makeAdministrator(userName);
    const disabled = await administrator.patch(`${path}/${only}`, { isEnabled: false });
    expect([disabled.status, disabled.body.error.message]).toEqual([
      409,
      expect.stringContaining('nobody would be left'),
    ]);
    expect((await administrator.delete(`${path}/${only}`)).status).toBe(409);
    // Somebody who cannot sign in does not count.
    const sleeping = await makeAccount(context, `${userName}-sleeping`, { is_enabled: 0 });
    await assign(context, 'account', sleeping, 'administrator');
    expect((await administrator.delete(`${path}/${only}`)).status).toBe(409);
    await assign(context, 'group', `Administrators ${userName}`, 'administrator');
    const member = await makeAccount(context, `${userName}-member`, {
      group_names: JSON.stringify([`Administrators ${userName}`]),
    });
    expect((await administrator.delete(`${path}/${only}`)).status).toBe(204);
    expect((await administrator.patch(`${path}/${member}`, { groups: [] })).status).toBe(409);
    expect((await administrator.patch(`${path}/${member}`, { displayName: 'Still here' })).status).toBe(200);
    await withoutAdministrators();
  });

  test('of the last administrator cannot lose the role while others who hold it cannot sign in', async () => {
    await withoutAdministrators();
    const only = await makeAdministrator(userName);
    await assign(context, 'group', 'Nobody is in it', 'administrator');
    const { body } = await administrator.get(`/api/v1/roleAssignments?$filter=member eq '${only}'`);
    const assignment = `/api/v1/roleAssignments/${body.value[0].id}`;
    expect((await administrator.delete(assignment)).status).toBe(409);
    expect((await administrator.patch(assignment, { roleId: 'readOnlyOperator' })).status).toBe(409);
    await makeAdministrator(`${userName}-second`);
    expect((await administrator.delete(assignment)).status).toBe(204);
    await withoutAdministrators();
  });

  test('of the last two administrators cannot both be disabled at the same time', async () => {
    await withoutAdministrators();
    const two = [await makeAdministrator(`${userName}-a`), await makeAdministrator(`${userName}-b`)];
    const answers = await Promise.all(
      two.map((id) => administrator.patch(`${path}/${id}`, { isEnabled: false })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    await withoutAdministrators();
  });

  test('take their role assignments along when they are deleted', async () => {
    await makeAdministrator(`${userName}-stays`);
    const id = await makeAdministrator(userName);
    expect((await administrator.delete(`${path}/${id}`)).status).toBe(204);
    const left = await database()
      .tables.selectFrom('role_assignments')
      .select('id')
      .where('member', '=', id)
      .execute();
    expect(left).toEqual([]);
  });

  test('of an identity provider are changed there, but can be disabled here', async () => {
    const provider = `provider-${userName}`;
    await database()
      .tables.insertInto('identity_providers')
      .values({
        id: provider,
        version: 1,
        display_name: 'Directory',
        issuer: 'https://id.example.com',
        client_id: 'culvert',
        client_secret: null,
        has_client_secret: 0,
        scopes: '[]',
        user_name_claim: 'email',
        groups_claim: 'groups',
        allowed_groups: '[]',
        is_enabled: 1,
      })
      .execute();
    const user = {
      providerId: provider,
      subject: 's1',
      userName: 'Ueda Aki',
      displayName: '',
      groups: ['G'],
    };
    const account = await accountOfUpstream(context, user, from());
    if (account === 'disabled') throw new Error('a new account is disabled');
    const url = `${path}/${account.id}`;
    const refused = await operator.patch(url, { groups: [], userName: 'other' });
    expect(refused.body.error.details.map(({ target }: { target: string }) => target).sort()).toEqual([
      'groups',
      'userName',
    ]);
    expect((await operator.post(`${url}/resetPassword`)).status).toBe(409);
    const read = await operator.get(url);
    expect((await operator.patch(url, { ...read.body, isEnabled: false })).status).toBe(200);
    expect(await accountOfUpstream(context, user, from())).toBe('disabled');
    // The name belongs to nobody here, so a local account may have it.
    expect(await signIn('Ueda Aki', goodPassword)).toBe('refused');
    // Somebody else of the same name at the same provider is somebody else.
    const other = await accountOfUpstream(context, { ...user, subject: 's2' }, from());
    expect(other).toMatchObject({ userName: 'Ueda Aki', isEnabled: true });
    const renamed = { ...user, subject: 's2', userName: 'Mori Aki', groups: ['H'] };
    expect(await accountOfUpstream(context, renamed, from())).toMatchObject({
      id: other === 'disabled' ? '' : other.id,
      userName: 'Mori Aki',
      groups: ['H'],
    });
  });

  test('need the permission that each use names', async () => {
    const id = await makeAccount(context, userName);
    context.letInWith('stranger', 'Culvert_Audit_Read');
    const stranger = new GraphCaller(application, 'stranger');
    const answers = [
      await stranger.get(path),
      await stranger.get(`${path}/${id}`),
      await stranger.post(path, { userName: 'x' }),
      await stranger.patch(`${path}/${id}`, {}),
      await stranger.delete(`${path}/${id}`),
      await stranger.post(`${path}/${id}/resetPassword`),
      await stranger.post(`${path}/${id}/resetSecondFactor`),
    ];
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 403));
  });
});
