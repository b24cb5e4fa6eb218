import { expect, test } from 'vitest';
import { openDatabase } from '../database/open.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { registerHealth } from './routes.ts';

describeOnEachEngine('health', (database) => {
  test('a process with its database is alive and ready', async () => {
    const application = await testApplication(new TestContext(database()), registerHealth);
    for (const url of ['/livez', '/readyz']) {
      const response = await application.inject({ url });
      expect([response.statusCode, response.json()]).toEqual([200, { status: 'ok' }]);
    }
  });
});

test('without its database a process is alive, not ready, and says when to ask again', async () => {
  const away = openDatabase('postgresql://nobody@localhost/none?host=/nonexistent');
  const application = await testApplication(new TestContext(away), registerHealth);
  expect((await application.inject({ url: '/livez' })).statusCode).toBe(200);
  const response = await application.inject({ url: '/readyz' });
  expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '5']);
  expect(response.json().error.code).toBe('ServiceUnavailable');
  await away.close();
});
