import type { FastifyInstance } from 'fastify';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { ensureBuiltInRoles } from '../roles/built-in-roles.ts';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { GraphCaller } from '../testing/graph.ts';
import { findAccount } from './account.ts';
import { assign, makeAccount } from './account-testing.ts';

const path = '/api/v1/accounts';

describeOnEachEngine('a change of an account', (database) => {
  let context: TestContext;
  let application: FastifyInstance;
  let administrator: GraphCaller;

  beforeAll(async () => {
    context = new TestContext(database());
    application = await testApplication(context, registerRoutes);
    await ensureBuiltInRoles(database());
    administrator = new GraphCaller(application);
  });
  beforeEach(async () => {
    await database().tables.deleteFrom('role_assignments').execute();
    await database().tables.deleteFrom('accounts').execute();
  });

  const makeLastAdministrator = async () => {
    await assign(context, 'group', 'Administrators', 'administrator');
    return makeAccount(context, 'last', { group_names: '["Administrators"]' });
  };

  test('cannot take the last administrator out of the group with null either', async () => {
    const id = await makeLastAdministrator();
    const refused = await administrator.patch(`${path}/${id}`, { groups: null });
    expect([refused.status, refused.body.error.message]).toEqual([
      409,
      expect.stringContaining('nobody would be left'),
    ]);
    expect((await findAccount(database().tables, id))?.groups).toEqual(['Administrators']);
  });

  test('that the schema refuses names every mistake', async () => {
    const id = await makeLastAdministrator();
    const refused = await administrator.patch(`${path}/${id}`, { groups: 'none', userName: 'a b' });
    expect(refused.status).toBe(400);
    expect(refused.body.error.details.map(({ target }: { target: string }) => target).sort()).toEqual([
      'groups',
      'userName',
    ]);
  });

  test('and a new one are told every mistake at once', async () => {
    const targetsOf = ({ body }: { body: { error: { details: { target: string }[] } } }) =>
      body.error.details.map(({ target }) => target).sort();
    const made = await administrator.post(path, {
      userName: 'a b',
      password: 'short',
      groups: 'x',
      colour: 1,
    });
    expect([made.status, targetsOf(made)]).toEqual([400, ['colour', 'groups', 'password', 'userName']]);
    const unnamed = await administrator.post(path, { password: 'password1234' });
    expect([unnamed.status, targetsOf(unnamed)]).toEqual([400, ['password', 'userName']]);
    const own = await administrator.post(path, { userName: 'yamada.tarou@x', password: 'Yamada.Tarou@x' });
    expect(own.body.error.details).toMatchObject([
      { target: 'password', message: 'use something else than the user name' },
    ]);
    await makeAccount(context, 'taken');
    const taken = await makeAccount(context, 'other');
    const changed = await administrator.patch(`${path}/${taken}`, { userName: 'taken', groups: 'x' });
    expect([changed.status, targetsOf(changed)]).toEqual([400, ['groups']]);
  });

  test.each([
    ['a NUL character', 'a\0'],
    ['half of a surrogate pair', 'a\ud800'],
  ])(
    'to a group with %s is refused, and everything that reads the lists of groups still works',
    async (what, group) => {
      await makeLastAdministrator();
      const id = await makeAccount(context, 'other');
      const refused = await administrator.patch(`${path}/${id}`, { groups: [group] });
      expect([refused.status, refused.body.error.message]).toEqual([400, expect.stringContaining(what)]);
      expect((await administrator.delete(`${path}/${id}`)).status).toBe(204);
    },
  );

  test('to more groups than fit is refused by its field', async () => {
    const id = await makeAccount(context, 'many');
    // As many as the body has room for, and more than SQLite takes parameters.
    const groups = Array.from({ length: 40_000 }, () => 'g');
    const refused = await administrator.patch(`${path}/${id}`, { groups });
    expect([refused.status, refused.body.error.details]).toMatchObject([400, [{ target: 'groups' }]]);
  });
});
