import { expect, test } from 'vitest';
import { registerHealth } from '../health/routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
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
});
