import { expect, test } from 'vitest';
import { registerHealth } from '../health/routes.ts';
import { tellState } from '../health-status/health-testing.ts';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { configurationExample, GraphCaller, makeScopeTags, siteExample } from '../testing/graph.ts';
import { registerMetrics } from './metrics.ts';

describeOnEachEngine('metrics', (database) => {
  test('requests are counted by their route as it is written, for callers who may read', async () => {
    const application = await testApplication(new TestContext(database()), registerMetrics, registerHealth);
    for (const url of ['/livez', '/nothing/here', '/nothing/there']) await application.inject({ url });
    const headers = { authorization: 'Bearer administrator' };
    const { body, statusCode } = await application.inject({ url: '/metrics', headers });
    expect(statusCode).toBe(200);
    expect(body).toContain('duration_seconds_count{method="GET",route="/livez",status="200"} 1');
    expect(body).toContain('duration_seconds_count{method="GET",route="unknown",status="404"} 2');
    expect(body).not.toContain('nothing');
    expect((await application.inject({ url: '/metrics' })).statusCode).toBe(401);
  });

  test('servers have gauges of their health, their sessions and their last check-in, within the scope of the caller', async () => {
    const context = new TestContext(database());
    const application = await testApplication(context, registerRoutes);
    await makeScopeTags(database(), '1');
    const graph = new GraphCaller(application);
    const makeServer = async (displayName: string, tag: string): Promise<string> => {
      const configuration = await graph.post('microsoftTunnelConfigurations', configurationExample);
      const body = { ...siteExample(configuration.body.id), roleScopeTagIds: [tag] };
      const site = await graph.post('microsoftTunnelSites', body);
      const url = `microsoftTunnelSites/${site.body.id}/microsoftTunnelServers`;
      return (await graph.post(url, { displayName })).body.id;
    };
    const id = await makeServer('gateway "1"\n', '0');
    const other = await makeServer('gateway-2', '1');
    await tellState(database(), id, context.now());
    context.letIn('osaka', {
      permissions: new Set(['Microsoft.Intune_MicrosoftTunnelGateway_Read']),
      scopeTagIds: new Set(['1']),
    });
    const ask = async (token: string) =>
      (await application.inject({ url: '/metrics', headers: { authorization: `Bearer ${token}` } })).body;
    const whole = await ask('administrator');
    const labels = `server="${id}",name="gateway \\"1\\"\\n",site="Tokyo"`;
    for (const line of [
      'culvert_servers{status="healthy"} 1',
      'culvert_servers{status="unknown"} 1',
      'culvert_servers{status="offline"} 0',
      `culvert_server_health{${labels},status="healthy"} 1`,
      `culvert_server_sessions{${labels},state="connected"} 10`,
      `culvert_server_sessions{${labels},state="away"} 2`,
      `culvert_server_capacity{${labels}} 5000`,
    ])
      expect(whole).toContain(`${line}\n`);
    expect(whole).toMatch(/culvert_server_last_check_in_age_seconds\{[^}]*\} 0\.0/);
    const scoped = await ask('osaka');
    expect(scoped).not.toContain(id);
    expect(scoped).toContain(other);
    expect(scoped).toContain('culvert_servers{status="healthy"} 0\n');
  });
});
