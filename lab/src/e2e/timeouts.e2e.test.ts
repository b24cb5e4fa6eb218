import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { serverKind } from '../lab.ts';
import { cutTcp } from '../network/device.ts';
import { corpAddress } from '../network/network.ts';
import { eventually } from '../system/wait.ts';
import { SteadyPing } from '../traffic/ping.ts';
import { useLab } from './use-lab.ts';

const lab = useLab({ network: { devices: 2 } });
const onlyProduct = test.runIf(serverKind === 'culvert');

const lastEnd = () => lab().culvert.accessLog().at(-1);

onlyProduct('an idle session ends and the client says so; a busy one does not', async () => {
  await lab().restartServer({ advanced: { 'idle-timeout': '30' } });
  const busy = await lab().connect({ user: 'bob', device: lab().network.deviceAt(1) });
  const ping = new SteadyPing(busy.device.namespace, corpAddress);
  const quiet = await lab().connect();
  const began = Date.now();
  await quiet.process.waitForEnd(60_000);
  const lasted = Date.now() - began;
  expect(lasted).toBeGreaterThan(25_000);
  expect(lasted).toBeLessThan(45_000);
  expect(quiet.log).toMatch(/idle/i);
  expect(lastEnd()).toMatchObject({ event: 'end', user: 'alice', reason: 'idleTimeout' });
  await sleep(5_000);
  expect((await ping.stop()).lost).toEqual([]);
  expect(busy.process.running).toBe(true);
  expect((await lab().culvert.sessions()).map((session) => session.user)).toEqual(['bob']);
});

onlyProduct(
  'the session time counts from sign-in, however often the client comes back; then its cookie opens nothing',
  async () => {
    await lab().restartServer({ advanced: { 'session-timeout': '60' } });
    const started = Date.now();
    const cookie = await signInOnly();
    const client = await lab().connect({ cookie });
    const [session] = await lab().culvert.sessions();
    for (let round = 1; round <= 3; round += 1) {
      await sleep(8_000);
      await cutTcp(client.device);
      await client.scriptCall('reconnect', round);
      const left = 60 - (Date.now() - started) / 1000;
      const remaining = Number(client.responseHeaders('X-CSTP-Session-Timeout-Remaining').at(-1));
      expect(remaining).toBeGreaterThan(left - 5);
      expect(remaining).toBeLessThan(left + 5);
      const [same] = await lab().culvert.sessions();
      expect(same).toMatchObject({ id: session?.id, endsAt: session?.endsAt });
    }
    await client.process.waitForEnd(60_000);
    const lasted = Date.now() - started;
    expect(lasted).toBeGreaterThan(55_000);
    expect(lasted).toBeLessThan(75_000);
    expect(lastEnd()).toMatchObject({ event: 'end', reason: 'sessionTimeout' });
    const late = lab().startClient({ cookie });
    expect((await late.process.waitForEnd(20_000)).code).toBe(2);
  },
);

/** Signs in and does not connect. */
async function signInOnly(): Promise<string> {
  const client = lab().startClient({ extra: ['--authenticate'] });
  await client.process.waitForEnd(20_000);
  return /^COOKIE='(.*)'$/m.exec(client.log)?.[1] ?? '';
}

test('when it is time to rekey the client opens a new tunnel and loses nothing; who stays away ends', async () => {
  // Two waits at once: the first device rekeys after a minute, the second stays away for half of one.
  await lab().restartServer({ advanced: { 'rekey-time': '60', 'roaming-timeout': '30' } });
  const client = await lab().connect();
  const ping = new SteadyPing(client.device.namespace, corpAddress);
  if (serverKind === 'culvert') {
    const away = await lab().connect({ user: 'bob', device: lab().network.deviceAt(1) });
    await away.detach();
    const began = Date.now();
    const states = async () =>
      (await lab().culvert.sessions()).map((one) => `${one.user} ${one.state}`).sort();
    await eventually('it waits', async () => (await states()).includes('bob away'));
    await eventually('it ended', async () => !(await states()).includes('bob away'), 60_000, 1_000);
    expect(await states()).toEqual(['alice connected']);
    expect(Date.now() - began).toBeGreaterThan(25_000);
    expect(lastEnd()).toMatchObject({ event: 'end', user: 'bob', reason: 'roamingTimeout' });
  }
  await client.scriptCall('reconnect', 1, 90_000);
  await sleep(2_000);
  const { sent, lost, longestGap } = await ping.stop();
  expect(sent).toBeGreaterThan(100);
  // Half a second of standstill while the client signs on again.
  expect(longestGap, `lost ${lost.length} of ${sent}`).toBeLessThanOrEqual(3);
});
