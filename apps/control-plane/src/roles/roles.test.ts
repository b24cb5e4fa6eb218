import type { FastifyInstance } from 'fastify';
import { beforeAll, expect, test } from 'vitest';
import { makeAccount } from '../accounts/account-testing.ts';
import { permissions } from '../permissions/permissions.ts';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { GraphCaller, makeScopeTags } from '../testing/graph.ts';
import { builtInRoles, ensureBuiltInRoles } from './built-in-roles.ts';
import { grantsOf } from './grants.ts';

const read = 'Microsoft.Intune_MicrosoftTunnelGateway_Read';
const roleActions = ['Create', 'Read', 'Update', 'Delete'].map(
  (action) => `Culvert_Roles_${action}` as never,
);

describeOnEachEngine('roles', (database) => {
  let context: TestContext;
  let application: FastifyInstance;
  let administrator: GraphCaller;

  beforeAll(async () => {
    context = new TestContext(database());
    application = await testApplication(context, registerRoutes);
    await ensureBuiltInRoles(database());
    await makeScopeTags(database(), '1', '7', '9');
    administrator = new GraphCaller(application);
    for (const id of ['anna', 'bert', 'carol', 'weak']) await makeAccount(context, id, { id });
  });

  const makeRole = async (displayName: string, granted: readonly string[] = [read]) => {
    const { status, body } = await administrator.post('/api/v1/roles', { displayName, permissions: granted });
    expect(status).toBe(201);
    return `${body.id}`;
  };
  const assign = (member: string, roleId: string, further = {}) =>
    administrator.post('/api/v1/roleAssignments', { memberKind: 'account', member, roleId, ...further });

  test('those that come with the product are listed, and nobody changes or deletes them', async () => {
    const { body } = await administrator.get('/api/v1/roles?$filter=isBuiltIn eq true&$orderby=id');
    expect(body.value.map(({ id }: { id: string }) => id)).toEqual(builtInRoles.map(({ id }) => id).sort());
    for (const { id } of builtInRoles) {
      const changed = await administrator.patch(`/api/v1/roles/${id}`, { permissions: [read] });
      expect([changed.status, changed.body.error.message]).toEqual([
        409,
        'a built-in role cannot be changed; make a role of your own',
      ]);
      expect((await administrator.delete(`/api/v1/roles/${id}`)).status).toBe(409);
    }
  });

  test('a start writes the built-in roles as this release has them', async () => {
    const { tables } = database();
    await tables.updateTable('roles').set({ permissions: '[]' }).where('id', '=', 'administrator').execute();
    await ensureBuiltInRoles(database());
    const { body } = await administrator.get('/api/v1/roles/administrator');
    expect(body.permissions).toEqual(permissions);
  });

  test('one of our own is made, changed, and deleted when nobody holds it any more', async () => {
    const id = await makeRole('Operators');
    const changed = await administrator.patch(`/api/v1/roles/${id}`, { description: 'Night shift' });
    expect(changed.body).toMatchObject({ description: 'Night shift', permissions: [read], isBuiltIn: false });
    const assignment = await assign('anna', id);
    const held = await administrator.delete(`/api/v1/roles/${id}`);
    expect([held.status, held.body.error.message]).toEqual([
      409,
      'the role is still held by anna; take it away first',
    ]);
    expect((await administrator.delete(`/api/v1/roleAssignments/${assignment.body.id}`)).status).toBe(204);
    expect((await administrator.delete(`/api/v1/roles/${id}`)).status).toBe(204);
  });

  test('a permission that does not exist, and one that is missing, are named', async () => {
    const unknown = await administrator.post('/api/v1/roles', {
      displayName: 'x',
      permissions: ['Culvert_Everything'],
    });
    expect([unknown.status, unknown.body.error.details[0].target]).toEqual([400, 'permissions[0]']);
    const none = await administrator.post('/api/v1/roles', { displayName: 'x', isBuiltIn: true });
    expect([none.status, none.body.error.details[0].target]).toEqual([400, 'permissions']);
  });

  test.each([
    ['holds only permissions of roles', { permissions: new Set(roleActions), scopeTagIds: 'all' as const }],
    [
      'holds everything, but only over a scope',
      { permissions: new Set(permissions), scopeTagIds: new Set(['7']) },
    ],
  ])('nobody gives more than they hold: a caller who %s', async (_name, grant) => {
    context.letIn('weak', grant);
    const weak = new GraphCaller(application, 'weak');
    const refusal = expect.stringContaining('because you do not hold it everywhere yourself');
    const made = await weak.post('/api/v1/roles', { displayName: 'Strong', permissions: [read] });
    expect([made.status, made.body.error.details[0]]).toMatchObject([
      400,
      { target: 'permissions', message: refusal },
    ]);
    const role = await makeRole(`Weak target ${_name}`);
    const widened = await weak.patch(`/api/v1/roles/${role}`, { permissions });
    expect([widened.status, widened.body.error.message]).toEqual([
      403,
      expect.stringContaining(`this role gives the permission`),
    ]);
    const given = await weak.post('/api/v1/roleAssignments', {
      memberKind: 'account',
      member: 'weak',
      roleId: 'administrator',
    });
    expect([given.status, given.body.error.details[0]]).toMatchObject([
      400,
      { target: 'roleId', message: refusal },
    ]);
    const own = await assign('carol', role, { scopeTagIds: ['1'] });
    const moved = await weak.patch(`/api/v1/roleAssignments/${own.body.id}`, { scopeTagIds: null });
    expect(moved.status).toBe(403);
  });

  test('an assignment needs a role that there is, and scope tags or null', async () => {
    const wrong = await assign('anna', 'nothing');
    expect([wrong.status, wrong.body.error.details]).toMatchObject([
      400,
      [{ target: 'roleId', message: expect.stringContaining('GET /api/v1/roles lists them') }],
    ]);
    const none = await assign('anna', 'readOnlyOperator', { scopeTagIds: [] });
    expect([none.status, none.body.error.details[0].target]).toEqual([400, 'scopeTagIds']);
  });

  test('an assignment needs the id of an account, and tells every mistake at once', async () => {
    await makeAccount(context, 'Dora');
    const named = await assign('Dora', 'readOnlyOperator');
    expect([named.status, named.body.error.details]).toMatchObject([
      400,
      [{ target: 'member', message: expect.stringContaining('give the id, and not the user name') }],
    ]);
    const { body } = await assign('carol', 'readOnlyOperator');
    const moved = await administrator.patch(`/api/v1/roleAssignments/${body.id}`, { member: 'Dora' });
    expect([moved.status, moved.body.error.details[0].target]).toEqual([400, 'member']);
    const wrong = await assign('Dora', 'nothing', { scopeTagIds: ['555'] });
    expect(wrong.body.error.details.map(({ target }: { target: string }) => target).sort()).toEqual([
      'member',
      'roleId',
      'scopeTagIds[0]',
    ]);
    // Groups are named by identity providers, and need nobody in them yet.
    const group = { memberKind: 'group', member: 'Night shift', roleId: 'readOnlyOperator' };
    expect((await administrator.post('/api/v1/roleAssignments', group)).status).toBe(201);
  });

  test('the last administrator stays one', async () => {
    const { tables } = database();
    await tables.deleteFrom('role_assignments').execute();
    const first = (await assign('anna', 'administrator')).body.id;
    // Over a scope is not over everything, and so does not count.
    expect((await assign('carol', 'administrator', { scopeTagIds: ['7'] })).status).toBe(201);
    const last = [409, 'this is the last administrator; give the role to somebody else first'];
    for (const refused of [
      await administrator.delete(`/api/v1/roleAssignments/${first}`),
      await administrator.patch(`/api/v1/roleAssignments/${first}`, { roleId: 'readOnlyOperator' }),
      await administrator.patch(`/api/v1/roleAssignments/${first}`, { scopeTagIds: ['7'] }),
    ])
      expect([refused.status, refused.body.error.message]).toEqual(last);
    const second = (await assign('bert', 'administrator')).body.id;
    const results = await Promise.all(
      [first, second].map((id) => administrator.delete(`/api/v1/roleAssignments/${id}`)),
    );
    expect(results.map(({ status }) => status).sort()).toEqual([204, 409]);
  });

  test('grants are those of the account and of its groups, without permissions that this release does not know', async () => {
    const { tables } = database();
    await tables.deleteFrom('role_assignments').execute();
    const id = await makeRole('Of a later release');
    await tables
      .updateTable('roles')
      .set({ permissions: JSON.stringify([read, 'Culvert_Teleport_Use']) })
      .where('id', '=', id)
      .execute();
    await assign('anna', id, { scopeTagIds: ['7', '9'] });
    await administrator.post('/api/v1/roleAssignments', {
      memberKind: 'group',
      member: 'Auditors',
      roleId: 'readOnlyOperator',
    });
    expect(await grantsOf(database(), { accountId: 'anna', groups: [] })).toEqual([
      { permissions: new Set([read]), scopeTagIds: new Set(['7', '9']) },
    ]);
    expect(await grantsOf(database(), { accountId: 'anna', groups: ['Auditors', 'Others'] })).toHaveLength(2);
    expect(await grantsOf(database(), { accountId: 'Auditors', groups: ['anna'] })).toEqual([]);
  });

  test('every permission is listed with the words that people read', async () => {
    context.letIn('nobody', { permissions: new Set(), scopeTagIds: 'all' });
    const { status, body } = await new GraphCaller(application, 'nobody').get('/api/v1/permissions');
    expect(status).toBe(200);
    expect(body.value.map(({ id }: { id: string }) => id)).toEqual(permissions);
    expect(body.value).toContainEqual({
      id: read,
      name: 'Microsoft Tunnel Gateway / Read',
      group: 'Microsoft Tunnel Gateway',
    });
  });
});
