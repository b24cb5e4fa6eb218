import { beforeAll, expect, test } from 'vitest';
import { formatCursor } from '../odata/cursor.ts';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { GraphCaller } from '../testing/graph.ts';
import { ensureHealthThresholds } from './routes.ts';

const path = 'microsoftTunnelHealthThresholds';

describeOnEachEngine('the list of health thresholds', (database) => {
  let graph: GraphCaller;
  beforeAll(async () => {
    const context = new TestContext(database());
    await ensureHealthThresholds(context);
    graph = new GraphCaller(await testApplication(context, registerRoutes));
  });

  test('is filtered by numbers that no threshold has, up to the greatest that are exact', async () => {
    for (const value of [2 ** 31, 9_999_999_999, Number.MAX_SAFE_INTEGER]) {
      const { status, body } = await graph.get(`${path}?$filter=healthyThreshold ge -${value}`);
      expect([status, body.value.length]).toEqual([200, 4]);
      expect((await graph.get(`${path}?$filter=healthyThreshold eq ${value}`)).body.value).toEqual([]);
    }
    expect((await graph.get(`${path}?$filter=healthyThreshold eq ${2 ** 53}`)).status).toBe(400);
  });

  test('goes on behind any number', async () => {
    const behind = (value: number) =>
      graph.get(`${path}?$orderby=healthyThreshold&$skiptoken=${formatCursor([value, 'x'])}`);
    expect((await behind(2 ** 31)).body.value).toEqual([]);
    expect((await behind(-(2 ** 31) - 1)).body.value).toHaveLength(4);
    expect((await behind(2 ** 53)).status).toBe(400);
  });

  test('of configurations ends at the width of a port: a greater number is refused', async () => {
    const configurations = 'microsoftTunnelConfigurations?$orderby=listenPort&$skiptoken';
    expect((await graph.get(`${configurations}=${formatCursor([2 ** 31 - 1, 'x'])}`)).status).toBe(200);
    expect((await graph.get(`${configurations}=${formatCursor([2 ** 31, 'x'])}`)).status).toBe(400);
  });
});
