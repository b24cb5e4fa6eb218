import { expect, test } from 'vitest';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';

describeOnEachEngine('the OpenAPI document', (database) => {
  test('describes every route of the API, each with a summary, and is shown as a page', async () => {
    const application = await testApplication(new TestContext(database()), registerRoutes);
    const { openapi, paths } = (await application.inject({ url: '/openapi.json' })).json();
    expect(openapi).toBe('3.1.0');
    const operations = Object.entries<Record<string, { summary?: string }>>(paths).flatMap(
      ([path, methods]) =>
        Object.entries(methods).map(([method, { summary }]) => ({ path, method, summary })),
    );
    expect(operations.filter(({ summary }) => summary === undefined)).toEqual([]);
    expect(operations.map(({ path }) => path)).toContain('/readyz');
    const page = await application.inject({ url: '/api/docs/' });
    expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  });
});
