import { expect, test } from 'vitest';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { requestsPerMinute } from './mount.ts';

describeOnEachEngine('strangers at the OpenID provider', (database) => {
  test('make so many requests a minute and no more, each address for itself', async () => {
    const application = await testApplication(new TestContext(database()), registerRoutes);
    const ask = (remoteAddress: string) => application.inject({ url: '/openid/style.css', remoteAddress });
    for (let count = 0; count < requestsPerMinute; count += 1) {
      expect((await ask('2001:db8::1')).statusCode).toBe(200);
    }
    const refused = await ask('2001:db8::2');
    expect([refused.statusCode, refused.json().error.code]).toEqual([429, 'TooManyRequests']);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await ask('192.0.2.1')).statusCode).toBe(200);
    expect((await application.inject({ url: '/livez', remoteAddress: '2001:db8::1' })).statusCode).toBe(200);
  });
});
