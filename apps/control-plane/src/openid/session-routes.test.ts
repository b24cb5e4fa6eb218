import { expect, test } from 'vitest';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { GraphCaller } from '../testing/graph.ts';
import { registerSignInSessions } from './session-routes.ts';
import { beginSignIn } from './sign-in-sessions.ts';

describeOnEachEngine('sign-in sessions', (database) => {
  async function started() {
    const context = new TestContext(database());
    await context.database.tables.deleteFrom('sign_in_sessions').execute();
    const begin = (id: string, minutes = 60) =>
      beginSignIn(
        context.database.tables,
        {
          account: { id, userName: id },
          clientId: 'culvert-tools',
          address: '192.0.2.1',
          userAgent: 'curl/8',
          sessionUid: `session of ${id}`,
          grantId: `grant of ${id} ${minutes}`,
          expiresAt: new Date(context.now().getTime() + minutes * 60_000),
        },
        context.now(),
      );
    for (const name of ['kaori', 'other']) context.letIn(name);
    context.letInWith('reader', 'Culvert_Accounts_Read');
    context.letInWith('updater', 'Culvert_Accounts_Update');
    const application = await testApplication(context, registerSignInSessions);
    const as = (name: string) => new GraphCaller(application, name);
    return { context, begin, as };
  }
  const path = '/api/v1/signInSessions';

  test('everybody sees their own, and those who may read accounts see all that are in force', async () => {
    const { begin, as } = await started();
    const { id } = await begin('kaori');
    await begin('other');
    await begin('kaori', -1);
    const listed = async (name: string) => {
      const { body } = await as(name).get(path);
      return body.value.map((session: { userName: string }) => session.userName);
    };
    expect(await listed('kaori')).toEqual(['kaori']);
    expect((await listed('reader')).sort()).toEqual(['kaori', 'other']);
    expect(await listed('updater')).toEqual([]);
    const { body } = await as('kaori').get(`${path}/${id}`);
    expect(body).toMatchObject({
      clientId: 'culvert-tools',
      address: '192.0.2.1',
      userAgent: 'curl/8',
      accountId: 'kaori',
    });
    expect(JSON.stringify(body)).not.toMatch(/grant of|session of/);
    expect((await as('other').get(`${path}/${id}`)).status).toBe(404);
    expect((await as('stranger').get(path)).status).toBe(401);
  });

  test('$filter and $count reach no further than the list', async () => {
    const { begin, as } = await started();
    await begin('kaori');
    await begin('other');
    const { body } = await as('kaori').get(`${path}?$filter=userName eq 'other'&$count=true`);
    expect([body.value, body['@odata.count']]).toEqual([[], 0]);
    expect((await as('kaori').get(`${path}?$orderby=grantId`)).status).toBe(400);
  });

  test('people end their own, others need the permission; the audit log tells who did', async () => {
    const { context, begin, as } = await started();
    const [own, foreign] = [await begin('kaori'), await begin('other')];
    expect((await as('kaori').delete(`${path}/${foreign.id}`)).status).toBe(404);
    expect((await as('reader').delete(`${path}/${foreign.id}`)).status).toBe(404);
    expect((await as('kaori').delete(`${path}/${own.id}`)).status).toBe(204);
    expect((await as('kaori').delete(`${path}/${own.id}`)).status).toBe(404);
    expect((await as('updater').delete(`${path}/${foreign.id}`)).status).toBe(204);
    const entries = await context.database.tables
      .selectFrom('audit_entries')
      .select(['actor_name', 'object_name'])
      .where('action', '=', 'signInSession.end')
      .orderBy('id')
      .execute();
    expect(entries).toEqual([
      { actor_name: 'kaori', object_name: 'kaori (culvert-tools)' },
      { actor_name: 'updater', object_name: 'other (culvert-tools)' },
    ]);
  });
});
