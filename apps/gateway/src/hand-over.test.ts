import { existsSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import {
  type ConfigurationChanges,
  connectRequest,
  signIn,
  startService,
  type TestService,
  until,
} from './service-testing.ts';

const running: TestService[] = [];
afterEach(async () => {
  for (const service of running.splice(0)) await service.close();
});

async function start(
  kept: Parameters<typeof startService>[1] = {},
  changes: ConfigurationChanges = {},
): Promise<TestService> {
  const service = await startService(changes, kept);
  running.push(service);
  return service;
}

test('a gateway that hands over finishes the sign-in under way, and its socket is gone at once', async () => {
  const asked = Promise.withResolvers<void>();
  const checked = Promise.withResolvers<'accepted'>();
  const verify = () => {
    asked.resolve();
    return checked.promise;
  };
  const service = await start({}, { passwords: { verify } });
  const signedIn = signIn(service.connect());
  await asked.promise;
  const finished = service.service.finish();
  expect(existsSync(service.path)).toBe(false);
  checked.resolve('accepted');
  expect(await signedIn).toMatch(/^\S+$/);
  await finished;
});

test('a tunnel that is being opened is opened before the gateway ends', async () => {
  const service = await start({ ready: false });
  const cookie = await signIn(service.connect());
  const connection = service.connect();
  connection.write(connectRequest(cookie));
  const finished = service.service.finish();
  await service.service.onEngineReady();
  await until(() => service.engine.attachments.length === 1);
  // The engine closes the relay once it has the tunnel.
  connection.end();
  await finished;
  expect(service.log().map(({ event }) => event)).toEqual(['signIn', 'connect']);
});

test('an end that the engine tells after the hand over is left for the next gateway', async () => {
  const service = await start();
  const cookie = await signIn(service.connect());
  const tunnel = service.connect();
  tunnel.write(connectRequest(cookie));
  await until(() => service.engine.attachments.length === 1);
  tunnel.end();
  await service.service.finish();
  const counters = { bytesIn: 1, bytesOut: 2, packetsIn: 1, packetsOut: 1 };
  const session = cookie.slice(0, 16);
  const ended = { type: 'ended', session, reason: 'idleTimeout', at: service.now(), counters } as const;
  service.service.onEngineEvent(ended);
  expect(service.engine.acknowledged).toEqual([]);
  const next = await start({ directory: service.directory, engine: service.engine, now: service.now() });
  next.service.onEngineEvent(ended);
  await until(() => service.engine.acknowledged.length === 1);
  expect(next.log().at(-1)).toMatchObject({ event: 'end', reason: 'idleTimeout' });
});
