import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { configurationExample, GraphCaller, siteExample } from '../testing/graph.ts';

describeOnEachEngine('the logs of a server', (database) => {
  const directory = mkdtempSync(join(tmpdir(), 'culvert-logs-'));
  let context: TestContext;
  let application: FastifyInstance;
  let graph: GraphCaller;

  beforeAll(async () => {
    context = new TestContext(database());
    application = await testApplication(context, registerRoutes);
    graph = new GraphCaller(application);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test('are downloaded, and when their file has gone, the answer says what to do', async () => {
    const configuration = await graph.post('microsoftTunnelConfigurations', configurationExample);
    const site = await graph.post('microsoftTunnelSites', siteExample(configuration.body.id));
    const servers = `microsoftTunnelSites/${site.body.id}/microsoftTunnelServers`;
    const server = await graph.post(servers, { displayName: 'gateway-1' });
    const span = { startDateTime: '2026-01-01T00:00:00Z', endDateTime: '2026-01-02T00:00:00Z' };
    const asked = await graph.post(`${servers}/${server.body.id}/createServerLogCollectionRequest`, span);
    const { id } = asked.body.value;
    const file = join(directory, `${id}.tar.gz`);
    writeFileSync(file, 'logs');
    await database()
      .tables.updateTable('server_log_collections')
      .set({ status: 'completed', file })
      .where('id', '=', id)
      .execute();
    const address = await graph.post(`microsoftTunnelServerLogCollectionResponses/${id}/createDownloadUrl`);
    expect(address.status).toBe(200);
    const url = String(address.body.value).slice(context.configuration.publicUrl.length);
    const download = await application.inject({ url });
    expect([download.statusCode, download.body]).toEqual([200, 'logs']);
    rmSync(file);
    const gone = await application.inject({ url });
    expect([gone.statusCode, gone.json().error.message]).toEqual([
      409,
      'the file with the logs is not there any more: ask the server again',
    ]);
  });
});
