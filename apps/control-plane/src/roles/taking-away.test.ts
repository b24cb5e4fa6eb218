import type { FastifyInstance } from 'fastify';
import { beforeAll, expect, test } from 'vitest';
import { assign, makeAccount } from '../accounts/account-testing.ts';
import { permissions } from '../permissions/permissions.ts';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { GraphCaller, makeScopeTags } from '../testing/graph.ts';
import { builtInRoles, ensureBuiltInRoles } from './built-in-roles.ts';

const path = '/api/v1/roleAssignments';
const ofRoles = new Set(builtInRoles.find(({ id }) => id === 'roleAdministrator')?.permissions ?? []);

describeOnEachEngine('a role that somebody holds', (database) => {
  let context: TestContext;
  let application: FastifyInstance;
  let administrator: GraphCaller;
  let account: string;

  beforeAll(async () => {
    context = new TestContext(database());
    application = await testApplication(context, registerRoutes);
    await ensureBuiltInRoles(database());
    await makeScopeTags(database(), '1', '7');
    administrator = new GraphCaller(application);
    account = await makeAccount(context, 'anna');
    const other = await makeAccount(context, 'bert');
    await assign(context, 'account', other, 'administrator');
  });

  const give = async (roleId: string, scopeTagIds: string[] | null = null) => {
    const body = { memberKind: 'account', member: account, roleId, scopeTagIds };
    const made = await administrator.post(path, body);
    expect(made.status).toBe(201);
    return `${path}/${made.body.id}`;
  };

  test.each([
    ['holds only permissions of roles', { permissions: ofRoles, scopeTagIds: 'all' as const }],
    ['holds everything over a scope', { permissions: new Set(permissions), scopeTagIds: new Set(['7']) }],
  ])('is not taken away by a caller who %s', async (_name, grant) => {
    context.letIn('weak', grant);
    const weak = new GraphCaller(application, 'weak');
    const held = await give('administrator');
    for (const refused of [
      await weak.delete(held),
      await weak.patch(held, { scopeTagIds: ['7'] }),
      await weak.patch(held, { roleId: 'roleAdministrator' }),
      await weak.patch(held, { member: 'weak' }),
    ])
      expect([refused.status, refused.body.error.message]).toEqual([
        403,
        expect.stringContaining('this assignment gives the permission'),
      ]);
    expect((await administrator.delete(held)).status).toBe(204);
  });

  test('is taken away by a caller who holds as much over as much', async () => {
    context.letIn('equal', { permissions: new Set(permissions), scopeTagIds: new Set(['7']) });
    const equal = new GraphCaller(application, 'equal');
    expect((await equal.delete(await give('readOnlyOperator', ['7']))).status).toBe(204);
    const wider = await give('readOnlyOperator', ['1', '7']);
    expect((await equal.delete(wider)).status).toBe(403);
    expect((await administrator.delete(wider)).status).toBe(204);
  });

  test('is not made weaker by a caller who could not give it', async () => {
    const made = await administrator.post('/api/v1/roles', { displayName: 'Own', permissions });
    context.letIn('weak', { permissions: ofRoles, scopeTagIds: 'all' });
    const weak = new GraphCaller(application, 'weak');
    const url = `/api/v1/roles/${made.body.id}`;
    const refused = await weak.patch(url, { permissions: ['Culvert_Roles_Read'] });
    expect([refused.status, refused.body.error.message]).toEqual([
      403,
      expect.stringContaining('this role gives the permission'),
    ]);
    expect((await administrator.get(url)).body.permissions).toEqual(permissions);
    expect((await administrator.patch(url, { permissions: ['Culvert_Roles_Read'] })).status).toBe(200);
    expect((await weak.patch(url, { description: 'Of roles only' })).status).toBe(200);
  });
});
