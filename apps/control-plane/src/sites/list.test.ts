import { beforeAll, expect, test } from 'vitest';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { configurationExample, GraphCaller, siteExample } from '../testing/graph.ts';

const path = 'microsoftTunnelSites';

describeOnEachEngine('the list of sites', (database) => {
  let graph: GraphCaller;
  beforeAll(async () => {
    graph = new GraphCaller(await testApplication(new TestContext(database()), registerRoutes));
    const configuration = await graph.post('microsoftTunnelConfigurations', configurationExample);
    for (const [displayName, upgradeWindowStartTime] of [
      ['night', '22:00:00'],
      ['morning', '05:30:00.25'],
    ]) {
      const window = { upgradeWindowEndTime: '12:00:00', upgradeWindowTimeZone: 'Asia/Tokyo' };
      const site = { ...siteExample(configuration.body.id), ...window, displayName, upgradeWindowStartTime };
      expect((await graph.post(path, site)).status).toBe(201);
    }
  });

  const found = async (filter: string) => {
    const { body } = await graph.get(`${path}?$filter=${encodeURIComponent(filter)}&$orderby=displayName`);
    return body.value?.map(({ displayName }: { displayName: string }) => displayName) ?? body.error.message;
  };

  test.each([
    ["upgradeWindowStartTime eq '22:00:00'", ['night']],
    ['upgradeWindowStartTime eq 22:00:00', ['night']],
    ['upgradeWindowStartTime eq 22:00:00.0000000', ['night']],
    ['upgradeWindowStartTime eq 05:30:00.25', ['morning']],
    ["upgradeWindowStartTime in ('05:30:00.2500',22:00:00)", ['morning', 'night']],
    ['upgradeWindowStartTime lt 22:00:00', ['morning']],
    ['upgradeWindowStartTime le 22:00:00 and upgradeWindowEndTime eq 12:00:00', ['morning', 'night']],
    ['upgradeWindowStartTime ne 22:00:00', ['morning']],
  ])('is filtered by times of day: %s', async (filter, names) => {
    expect(await found(filter)).toEqual(names);
  });

  test.each([
    'upgradeWindowStartTime eq 25:00:00',
    "upgradeWindowStartTime eq '22:60:00'",
    'upgradeWindowStartTime eq 22:00',
    "upgradeWindowStartTime eq 'night'",
    'upgradeWindowStartTime eq 22',
  ])('refuses what is no time of day: %s', async (filter) => {
    expect(await found(filter)).toContain('is compared with a time of day such as 22:00:00');
  });
});
