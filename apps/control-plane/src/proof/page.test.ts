import type { KyselyPlugin } from 'kysely';
import { expect, test } from 'vitest';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { configurationExample, GraphCaller, siteExample } from '../testing/graph.ts';

/** Counts statements and the rows that they bring. */
class Counter implements KyselyPlugin {
  statements = 0;
  rows = 0;

  transformQuery: KyselyPlugin['transformQuery'] = ({ node }) => {
    this.statements += 1;
    return node;
  };

  transformResult: KyselyPlugin['transformResult'] = async ({ result }) => {
    this.rows += result.rows.length;
    return result;
  };
}

describeOnEachEngine('a list page', (database) => {
  test('loads no more than its page, however deep it is', async () => {
    const counter = new Counter();
    const plain = database();
    const context = new TestContext({ ...plain, tables: plain.tables.withPlugin(counter) });
    const caller = new GraphCaller(await testApplication(context, registerRoutes));
    const { id } = (await caller.post('microsoftTunnelConfigurations', configurationExample)).body;
    for (let number = 0; number < 60; number += 1)
      await caller.post('microsoftTunnelSites', { ...siteExample(id), displayName: `Site ${number}` });
    const site = (await caller.get('microsoftTunnelSites?$top=1')).body.value[0].id;
    for (let number = 0; number < 30; number += 1)
      await caller.post(`microsoftTunnelSites/${site}/microsoftTunnelServers`, {
        displayName: `gw-${number}`,
      });

    for (const list of ['microsoftTunnelSites', `microsoftTunnelSites/${site}/microsoftTunnelServers`]) {
      let link: string | undefined = `${list}?$top=10&$orderby=displayName desc`;
      while (link !== undefined) {
        counter.rows = 0;
        counter.statements = 0;
        const { body }: { body: { value: unknown[]; '@odata.nextLink'?: string } } = await caller.get(link);
        expect(body.value).toHaveLength(10);
        // One row more tells whether there is a next page.
        expect(counter.rows).toBeLessThanOrEqual(11);
        expect(counter.statements).toBe(1);
        link = body['@odata.nextLink']?.replace(context.configuration.publicUrl, '');
      }
    }
    counter.rows = 0;
    await caller.get('microsoftTunnelSites?$top=10&$count=true&$skip=20');
    expect(counter.rows).toBeLessThanOrEqual(12);
  });
});
