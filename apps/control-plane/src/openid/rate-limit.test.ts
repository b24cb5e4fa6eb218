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

  test.each([
    ['en', 'Too many requests came from your address'],
    ['ja', '要求が多すぎます'],
  ])('beyond it, a sign-in page says what to do (%s)', async (language, sentence) => {
    const application = await testApplication(new TestContext(database()), registerRoutes);
    const headers = { 'accept-language': language };
    const ask = () => application.inject({ url: '/openid/interaction/x', headers });
    for (let count = 0; count < requestsPerMinute; count += 1) await ask();
    const refused = await ask();
    expect([refused.statusCode, refused.body.includes(sentence)]).toEqual([429, true]);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  });

  test('ports-and-nonsense behind a proxy: nobody gets a count of their own for what is no address', async () => {
    const context = new TestContext(database());
    const trustedProxies = ['127.0.0.1'];
    const configuration = { ...context.configuration, trustedProxies };
    const application = await testApplication({ ...context, configuration }, registerRoutes);
    const ask = async (forwarded: string) => {
      const headers = { 'x-forwarded-for': forwarded };
      return (await application.inject({ url: '/openid/style.css', headers })).statusCode;
    };
    for (let count = 0; count < requestsPerMinute; count += 1) {
      expect(await ask(`192.0.2.1:${1024 + count}`)).toBe(200);
      expect(await ask(`nonsense-${count}`)).toBe(200);
    }
    expect([await ask('192.0.2.1:9'), await ask('192.0.2.1'), await ask('unknown')]).toEqual([429, 429, 429]);
    expect(await ask('192.0.2.2:9')).toBe(200);
  });
});
