import { afterEach, expect, test } from 'vitest';
import { connectRequest, initBody, post, signIn, startService, type TestService } from './service-testing.ts';

const running: TestService[] = [];
afterEach(async () => {
  for (const service of running.splice(0)) await service.close();
});

async function start(): Promise<TestService> {
  const service = await startService();
  running.push(service);
  return service;
}

const probe = 'GET / HTTP/1.1\r\nHost: vpn.example.com\r\n\r\n';

test('a gateway that drains answers probes with 503 and closes, also on a connection of before', async () => {
  const service = await start();
  const connection = service.connect();
  expect((await connection.request(probe)).status).toBe(200);
  service.service.drain();
  for (const one of [connection, service.connect()]) {
    const answer = await one.request(probe);
    expect(answer.status).toBe(503);
    expect(answer.headers).toMatch(/^connection: close/im);
    expect(answer.headers).not.toMatch(/set-cookie/i);
  }
});

test('a gateway that drains lets nobody sign in or connect, and says why', async () => {
  const service = await start();
  const cookie = await signIn(service.connect());
  service.service.drain();
  expect((await service.connect().request(post(initBody()))).status).toBe(503);
  const answer = await service.connect().request(connectRequest(cookie));
  // Not 401, which would end the session on the device: it may come back after the restart.
  expect(answer.status).toBe(503);
  expect(answer.headers).toMatch(/^X-Reason: The server is stopping/m);
  expect(service.engine.attachments).toEqual([]);
  expect(await service.service.sessions()).toHaveLength(1);
});
