import { expect, test } from 'vitest';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { configurationExample, GraphCaller, siteExample } from '../testing/graph.ts';

describeOnEachEngine('refused changes', (database) => {
  test('are in the audit log with who tried what and why it was refused; mistakes and strangers are not', async () => {
    const context = new TestContext(database());
    context.letInWith('reader', 'Microsoft.Intune_MicrosoftTunnelGateway_Read');
    const application = await testApplication(context, registerRoutes);
    const graph = new GraphCaller(application);
    const reader = new GraphCaller(application, 'reader');
    const { id, '@odata.etag': etag } = (
      await graph.post('microsoftTunnelConfigurations', configurationExample)
    ).body;
    const path = `microsoftTunnelConfigurations/${id}`;
    await graph.post('microsoftTunnelSites', siteExample(id));
    await graph.patch(path, { listenPort: 8443 });

    expect((await reader.delete(path)).status).toBe(403);
    expect((await graph.delete(path)).status).toBe(409);
    expect((await graph.patch(path, { listenPort: 8444 }, etag)).status).toBe(412);
    expect((await graph.patch(path, { listenPort: 0 })).status).toBe(400);
    expect((await new GraphCaller(application, 'nobody').delete(path)).status).toBe(401);

    const route = '/graph/beta/deviceManagement/microsoftTunnelConfigurations/:id';
    const entries = await database()
      .tables.selectFrom('audit_entries')
      .select(['actor_name', 'action', 'object_id', 'detail'])
      .where('outcome', '=', 'failure')
      .orderBy('id')
      .execute();
    expect(entries).toEqual([
      {
        actor_name: 'reader',
        action: `DELETE ${route}`,
        object_id: id,
        detail: expect.stringContaining('/ Delete'),
      },
      {
        actor_name: 'administrator',
        action: `DELETE ${route}`,
        object_id: id,
        detail: expect.stringContaining('a site'),
      },
      {
        actor_name: 'administrator',
        action: `PATCH ${route}`,
        object_id: id,
        detail: expect.stringContaining('in between'),
      },
    ]);
  });
});
