import { expect, test } from 'vitest';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { configurationExample, GraphCaller, siteExample } from '../testing/graph.ts';
import { removeEndedLogCollections } from './expiry.ts';

describeOnEachEngine('log collections', (database) => {
  test('go with their archives when their time is over, and not before', async () => {
    const context = new TestContext(database());
    const graph = new GraphCaller(await testApplication(context, registerRoutes));
    const { id: configuration } = (await graph.post('microsoftTunnelConfigurations', configurationExample))
      .body;
    const { id: site } = (await graph.post('microsoftTunnelSites', siteExample(configuration))).body;
    const servers = `microsoftTunnelSites/${site}/microsoftTunnelServers`;
    const { id: server } = (await graph.post(servers, { displayName: 'gw-1' })).body;
    const span = { startDateTime: '2026-11-24T08:00:00Z', endDateTime: '2026-11-24T09:00:00Z' };
    const ask = () => graph.post(`${servers}/${server}/createServerLogCollectionRequest`, span);
    const ended = (await ask()).body.value.id;
    const kept = (await ask()).body.value.id;
    const piece = { collection_id: ended, position: 0, content: 'bG9ncw==' };
    await database().tables.insertInto('log_pieces').values(piece).execute();
    await database()
      .tables.updateTable('server_log_collections')
      .set({ expiry_date_time: '2026-11-01T00:00:00.000Z' })
      .where('id', '=', ended)
      .execute();
    expect(await removeEndedLogCollections(context)).toBe(false);
    const { body } = await graph.get('microsoftTunnelServerLogCollectionResponses');
    expect(body.value.map(({ id }: { id: string }) => id)).toEqual([kept]);
    expect(await database().tables.selectFrom('log_pieces').selectAll().execute()).toEqual([]);
  });
});
