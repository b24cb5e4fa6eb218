import { afterEach, describe, expect, test } from 'vitest';
import { connectRequest, signIn, startService, type TestService, until } from './service-testing.ts';

const running: TestService[] = [];
afterEach(async () => {
  for (const service of running.splice(0)) await service.close();
});

async function start(kept?: Parameters<typeof startService>[1]): Promise<TestService> {
  const service = await startService({}, kept);
  running.push(service);
  return service;
}

async function openTunnel(service: TestService, cookie: string): Promise<void> {
  const before = service.log().length;
  service.connect({ connection: before + 10 }).write(connectRequest(cookie));
  await until(() => service.log().length > before);
}

const appId = (service: TestService) => {
  const { dtls } = service.engine.attachments.at(-1) ?? {};
  return dtls?.mode === 'psk' ? dtls.appId : undefined;
};

describe('a session whose engine was replaced', () => {
  test('gets another App-ID, so that its device makes new DTLS keys, and keeps that one', async () => {
    const service = await start();
    const cookie = await signIn(service.connect());
    await openTunnel(service, cookie);
    const first = appId(service);
    service.engine.attached.clear();
    service.service.onEngineLost();
    await service.service.onEngineReady();
    await openTunnel(service, cookie);
    const second = appId(service);
    expect(second).toMatch(/^[0-9a-f]{64}$/);
    expect(second).not.toBe(first);
    await openTunnel(service, cookie);
    expect(appId(service)).toBe(second);
    // Written down, too, a moment later: the next gateway must not go back to the first.
    await new Promise((resolve) => setTimeout(resolve, 200));
    const next = await start({ directory: service.directory, engine: service.engine, now: service.now() });
    await openTunnel(next, cookie);
    expect(appId(next)).toBe(second);
  });

  test('does not open its tunnel before the new engine was compared with', async () => {
    const service = await start();
    const cookie = await signIn(service.connect());
    await openTunnel(service, cookie);
    const first = appId(service);
    service.engine.attached.clear();
    service.service.onEngineLost();
    service.connect({ connection: 99 }).write(connectRequest(cookie));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(service.engine.attachments).toHaveLength(1);
    await service.service.onEngineReady();
    await until(() => service.engine.attachments.length === 2);
    expect(appId(service)).not.toBe(first);
  });

  test('has the bytes of every engine in its last line, as far as they were known', async () => {
    const service = await start();
    const cookie = await signIn(service.connect());
    const session = cookie.slice(0, 16);
    // The engine of the tests counts 100 bytes in and 200 out for each attachment.
    await openTunnel(service, cookie);
    expect(await service.service.sessions()).toMatchObject([{ bytesIn: 100, bytesOut: 200 }]);
    service.engine.attached.clear();
    service.service.onEngineLost();
    await service.service.onEngineReady();
    expect(await service.service.sessions()).toMatchObject([{ bytesIn: 100, bytesOut: 200 }]);
    await openTunnel(service, cookie);
    expect(await service.service.sessions()).toMatchObject([{ bytesIn: 200, bytesOut: 400 }]);
    const counters = { bytesIn: 7, bytesOut: 8, packetsIn: 1, packetsOut: 1 };
    service.service.onEngineEvent({ type: 'ended', session, reason: 'idleTimeout', at: 0, counters });
    expect(service.log().at(-1)).toMatchObject({ event: 'end', bytesIn: 107, bytesOut: 208 });
  });

  test('that does not come back has what was asked last, also over a stop of the gateway', async () => {
    const first = await start();
    const cookie = await signIn(first.connect());
    await openTunnel(first, cookie);
    await first.close();
    running.splice(0);
    first.engine.attached.clear();
    const second = await start({ directory: first.directory, engine: first.engine, now: first.now() });
    second.advance(601_000);
    await until(() => second.log().at(-1)?.event === 'end');
    expect(second.log().at(-1)).toMatchObject({ reason: 'roamingTimeout', bytesIn: 100, bytesOut: 200 });
  });
});
