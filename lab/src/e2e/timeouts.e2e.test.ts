import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { serverKind } from '../lab.ts';
import { corpAddress } from '../network/network.ts';
import { eventually } from '../system/wait.ts';
import { SteadyPing } from '../traffic/ping.ts';
import { useLab } from './use-lab.ts';

const lab = useLab();
const onlyProduct = test.runIf(serverKind === 'culvert');

onlyProduct('an idle session ends and the client says so; a busy one does not', async () => {
  await lab().restartServer({ advanced: { 'idle-timeout': '30' } });
  const client = await lab().connect();
  const ping = new SteadyPing(lab().network.device.namespace, corpAddress);
  await sleep(40_000);
  await ping.stop();
  expect(client.process.running).toBe(true);
  const quiet = Date.now();
  await client.process.waitForEnd(60_000);
  expect(Date.now() - quiet).toBeGreaterThan(25_000);
  expect(client.log).toMatch(/idle/i);
  expect(await lab().culvert.sessions()).toEqual([]);
  expect(lab().culvert.accessLog().at(-1)).toMatchObject({ event: 'end', reason: 'idleTimeout' });
});

onlyProduct('the session time counts from sign-in, however often the client comes back', async () => {
  await lab().restartServer({ advanced: { 'session-timeout': '60' } });
  const started = Date.now();
  const client = await lab().connect();
  const [session] = await lab().culvert.sessions();
  const remaining: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    await sleep(12_000);
    await client.reconnect();
    const call = client.scriptCalls().at(-1);
    remaining.push(Number(call?.headers('X-CSTP-Session-Timeout-Remaining').at(-1)));
    const [same] = await lab().culvert.sessions();
    expect(same?.id).toBe(session?.id);
    expect(same?.endsAt).toBe(session?.endsAt);
  }
  expect(remaining).toEqual([...remaining].sort((a, b) => b - a));
  expect(remaining.at(-1)).toBeLessThan(30);
  await client.process.waitForEnd(60_000);
  const lasted = Date.now() - started;
  expect(lasted).toBeGreaterThan(55_000);
  expect(lasted).toBeLessThan(75_000);
  expect(lab().culvert.accessLog().at(-1)).toMatchObject({ event: 'end', reason: 'sessionTimeout' });
});

onlyProduct('after a session ended by time its cookie opens nothing', async () => {
  await lab().restartServer({ advanced: { 'session-timeout': '60' } });
  const first = lab().startClient({ extra: ['--authenticate'] });
  await first.process.waitForEnd(20_000);
  const cookie = /^COOKIE='(.*)'$/m.exec(first.log)?.[1] ?? '';
  await sleep(62_000);
  const second = lab().startClient({ cookie });
  expect((await second.process.waitForEnd(20_000)).code).toBe(2);
});

onlyProduct('a session whose device stays away ends after the roaming time', async () => {
  await lab().restartServer({ advanced: { 'roaming-timeout': '30' } });
  const client = await lab().connect();
  await client.detach();
  expect(await lab().culvert.sessions()).toHaveLength(1);
  await eventually(
    'the session is gone',
    async () => (await lab().culvert.sessions()).length === 0,
    60_000,
    1_000,
  );
  expect(lab().culvert.accessLog().at(-1)).toMatchObject({ event: 'end', reason: 'roamingTimeout' });
});

test('the client opens a new tunnel when it is time to rekey, and loses nothing to speak of', async () => {
  await lab().restartServer({ advanced: { 'rekey-time': '60' } });
  const client = await lab().connect({ extra: ['-v'] });
  const ping = new SteadyPing(lab().network.device.namespace, corpAddress);
  await client.scriptCall('reconnect', 1, 90_000);
  await sleep(2_000);
  const { sent, lost, longestGap } = await ping.stop();
  expect(sent).toBeGreaterThan(100);
  // Half a second of standstill while the client signs on again.
  expect(longestGap, `lost ${lost.length} of ${sent}`).toBeLessThanOrEqual(3);
});
