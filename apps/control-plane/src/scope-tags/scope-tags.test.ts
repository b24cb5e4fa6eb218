import type { FastifyInstance } from 'fastify';
import { beforeAll, expect, test } from 'vitest';
import { ensureBuiltInRoles } from '../roles/built-in-roles.ts';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { configurationExample, GraphCaller, siteExample } from '../testing/graph.ts';
import { ensureDefaultTag } from './known-tags.ts';

describeOnEachEngine('scope tags', (database) => {
  let application: FastifyInstance;
  let graph: GraphCaller;
  beforeAll(async () => {
    await ensureDefaultTag(database());
    await ensureBuiltInRoles(database());
    application = await testApplication(new TestContext(database()), registerRoutes);
    graph = new GraphCaller(application);
  });

  test('are counted from the built-in one, which stays as it is', async () => {
    const first = await graph.get('roleScopeTags');
    expect(first.body.value).toMatchObject([{ id: '0', displayName: 'Default', isBuiltIn: true }]);
    const made = await graph.post('roleScopeTags', { displayName: 'Branches' });
    expect([made.status, made.body]).toMatchObject([201, { id: '1', isBuiltIn: false }]);
    expect((await graph.post('roleScopeTags', { displayName: 'Offices' })).body.id).toBe('2');
    expect((await graph.patch('roleScopeTags/0', { displayName: 'Mine' })).status).toBe(409);
    expect((await graph.delete('roleScopeTags/0')).status).toBe(409);
    expect((await graph.patch('roleScopeTags/2', { displayName: 'Shops' })).body.displayName).toBe('Shops');
  });

  test('must be there before an object carries them', async () => {
    const wrong = await graph.post('microsoftTunnelConfigurations', {
      ...configurationExample,
      listenPort: 0,
      roleScopeTagIds: ['0', '999'],
    });
    const told = wrong.body.error.details.map(({ target }: { target: string }) => target);
    expect([wrong.status, told]).toEqual([400, ['listenPort', 'roleScopeTagIds[1]']]);
    const assignment = await graph.post('/api/v1/roleAssignments', {
      roleId: 'administrator',
      memberKind: 'group',
      member: 'Administrators',
      scopeTagIds: ['999'],
    });
    expect(assignment.body.error.details).toMatchObject([{ target: 'scopeTagIds[0]' }]);
  });

  test('have a number that no tag has had before them, even when they are made at the same time', async () => {
    const make = async (displayName: string) => {
      const { status, body } = await graph.post('roleScopeTags', { displayName });
      expect(status).toBe(201);
      return String(body.id);
    };
    const gone = await make('Gone');
    expect((await graph.delete(`roleScopeTags/${gone}`)).status).toBe(204);
    const made = await Promise.all(['A', 'B', 'C', 'D'].map(make));
    expect(new Set(made).size).toBe(4);
    expect(made).not.toContain(gone);
  });

  test('that are more than fit, or no tags at all, are refused by their field', async () => {
    const configuration = await graph.post('microsoftTunnelConfigurations', configurationExample);
    const site = await graph.post('microsoftTunnelSites', siteExample(configuration.body.id));
    // As many as the body has room for, and more than SQLite takes parameters.
    const many = Array.from({ length: 40_000 }, () => '0');
    for (const [list, target] of [
      [many, ''],
      [['0', 7], '[1]'],
      [['0', 'blue'], '[1]'],
    ] as const) {
      const assignment = { roleId: 'administrator', memberKind: 'group', member: 'Staff', scopeTagIds: list };
      const objects = [
        await graph.post('microsoftTunnelConfigurations', { ...configurationExample, roleScopeTagIds: list }),
        await graph.patch(`microsoftTunnelConfigurations/${configuration.body.id}`, {
          roleScopeTagIds: list,
        }),
        await graph.patch(`microsoftTunnelSites/${site.body.id}`, { roleScopeTagIds: list }),
      ];
      const reaches = [
        await graph.post('/api/v1/roleAssignments', assignment),
        await graph.post('/api/v1/tokens', { displayName: 'x', roleId: 'administrator', scopeTagIds: list }),
      ];
      for (const { status, body } of objects)
        expect([status, body.error.details]).toMatchObject([400, [{ target: `roleScopeTagIds${target}` }]]);
      for (const { status, body } of reaches)
        expect([status, body.error.details]).toMatchObject([400, [{ target: `scopeTagIds${target}` }]]);
    }
  });

  test('cannot go while something carries them, and the refusal names it', async () => {
    const { id } = (await graph.post('roleScopeTags', { displayName: 'Carried' })).body;
    const configuration = await graph.post('microsoftTunnelConfigurations', {
      ...configurationExample,
      roleScopeTagIds: [id],
    });
    const refused = await graph.delete(`roleScopeTags/${id}`);
    expect([refused.status, refused.body.error.message]).toEqual([
      409,
      expect.stringContaining(`a server configuration (${configuration.body.id})`),
    ]);
    expect((await graph.delete(`microsoftTunnelConfigurations/${configuration.body.id}`)).status).toBe(204);
    expect((await graph.delete(`roleScopeTags/${id}`)).status).toBe(204);
  });
});
