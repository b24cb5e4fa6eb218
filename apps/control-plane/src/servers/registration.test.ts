import { expect, test } from 'vitest';
import { registerServerConfigurations } from '../server-configurations/routes.ts';
import { registerSites } from '../sites/routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { configurationExample, GraphCaller, siteExample } from '../testing/graph.ts';
import { registerServerRegistration } from './registration.ts';

const read = 'Microsoft.Intune_MicrosoftTunnelGateway_Read';
const create = 'Microsoft.Intune_MicrosoftTunnelGateway_Create';

describeOnEachEngine('who may register servers', (database) => {
  test('is told with what is missing, by the name in the admin centre, and where', async () => {
    const context = new TestContext(database());
    context.letInWith('reader', read);
    context.letInWith('operator', read, create);
    context.letIn('elsewhere', { permissions: new Set([read, create]), scopeTagIds: new Set(['7']) });
    const application = await testApplication(
      context,
      registerServerConfigurations,
      registerSites,
      registerServerRegistration,
    );
    const graph = new GraphCaller(application);
    const configuration = await graph.post('microsoftTunnelConfigurations', configurationExample);
    await graph.post('microsoftTunnelSites', siteExample(configuration.body.id));
    const ask = async (caller: string) => {
      const { statusCode, body } = await application.inject({
        url: '/api/v1/me/serverRegistration',
        headers: { authorization: `Bearer ${caller}` },
      });
      return { statusCode, body: JSON.parse(body) };
    };
    expect((await ask('nobody')).statusCode).toBe(401);
    expect((await ask('reader')).body).toMatchObject({
      missingPermissions: [{ id: create, name: 'Microsoft Tunnel Gateway / Create' }],
      sites: [{ mayRegister: false }],
    });
    expect((await ask('operator')).body).toMatchObject({
      missingPermissions: [],
      sites: [{ mayRegister: true }],
    });
    expect((await ask('elsewhere')).body).toEqual({ missingPermissions: [], sites: [] });
  });
});
