import { beforeAll, expect, test } from 'vitest';
import { ensureBuiltInRoles } from '../roles/built-in-roles.ts';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { GraphCaller } from '../testing/graph.ts';
import { purgeEndedTokens } from './ended.ts';

const day = 86_400_000;

describeOnEachEngine('an API token that has ended', (database) => {
  let context: TestContext;
  let graph: GraphCaller;

  beforeAll(async () => {
    context = new TestContext(database());
    await ensureBuiltInRoles(database());
    graph = new GraphCaller(await testApplication(context, registerRoutes));
  });

  const makeToken = async (further = {}) =>
    String(
      (await graph.post('/api/v1/tokens', { displayName: 'script', roleId: 'administrator', ...further }))
        .body.id,
    );

  test.each([
    ['by itself', {}, async () => context.pass(2 * day)],
    ['because it was revoked', { expiresIn: '30d' }, (id: string) => graph.delete(`/api/v1/tokens/${id}`)],
  ])('%s keeps neither its role nor its scope tag', async (name, further, end) => {
    const displayName = `Used ${name}`;
    const permissions = ['Culvert_Audit_Read'];
    const role = `/api/v1/roles/${(await graph.post('/api/v1/roles', { displayName, permissions })).body.id}`;
    const tag = `${(await graph.post('roleScopeTags', { displayName })).body.id}`;
    const id = await makeToken({ roleId: role.split('/').at(-1), scopeTagIds: [tag], ...further });
    const refused = [await graph.delete(role), await graph.delete(`roleScopeTags/${tag}`)];
    expect(refused.map(({ status, body }) => [status, body.error.message])).toEqual([
      [409, 'the role is still held by script; take it away first'],
      [409, `the scope tag is still used by an API token (${id}); take it away first`],
    ]);
    await end(id);
    expect((await graph.delete(`roleScopeTags/${tag}`)).status).toBe(204);
    expect((await graph.delete(role)).status).toBe(204);
    expect((await graph.get(`/api/v1/tokens/${id}`)).body).toMatchObject({ id, scopeTagIds: [tag] });
  });

  test('is listed for 90 days more', async () => {
    const expired = await makeToken({ expiresIn: '1h' });
    const revoked = await makeToken({ expiresIn: '365d' });
    const good = await makeToken({ expiresIn: '365d' });
    await graph.delete(`/api/v1/tokens/${revoked}`);
    const left = async () => {
      expect(await purgeEndedTokens(database().tables, context.now())).toBe(false);
      const { body } = await graph.get('/api/v1/tokens');
      const ids: string[] = body.value.map(({ id }: { id: string }) => id);
      return [expired, revoked, good].filter((id) => ids.includes(id));
    };
    context.pass(89 * day);
    expect(await left()).toEqual([expired, revoked, good]);
    context.pass(2 * day);
    expect(await left()).toEqual([good]);
  });
});
