import { appendFileSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { serverKind } from '../lab.ts';
import { corpAddress } from '../network/network.ts';
import { makeDirectory } from '../system/run.ts';
import { eventually } from '../system/wait.ts';
import { reaches, SteadyPing } from '../traffic/ping.ts';
import { useLab } from './use-lab.ts';

const lab = useLab({ network: { devices: 2 } });
const onlyProduct = test.runIf(serverKind === 'culvert');

/** An engine with another digest that does the same: what stands behind the end of an ELF file is not loaded. */
function otherEngine(): string {
  const built = fileURLToPath(new URL('../../../engine/target/release/culvert-engine', import.meta.url));
  const other = join(makeDirectory('engine'), 'culvert-engine');
  copyFileSync(process.env.CULVERT_ENGINE ?? built, other);
  appendFileSync(other, 'another release');
  return other;
}

const sessionIds = async () => (await lab().culvert.sessions()).map((one) => one.id);

onlyProduct('a hand over from one gateway to the next loses not one ping', async () => {
  const { culvert } = lab();
  const client = await lab().connect();
  const before = await sessionIds();
  const engine = culvert.enginePid();
  const ping = new SteadyPing(client.device.namespace, corpAddress);
  await eventually('pings are answered', () => ping.received >= 3);
  expect(await culvert.handOver()).toEqual({ code: 0, signal: undefined });
  expect(culvert.enginePid()).toBe(engine);
  expect((await lab().network.gateway.run(['nft', 'list', 'tables'])).stdout).toContain('culvert_');
  await culvert.startGateway();
  const { received } = ping;
  await eventually('pings are answered still', () => ping.received >= received + 3);
  expect((await ping.stop()).lost).toEqual([]);
  expect(await sessionIds()).toEqual(before);
  expect(client.scriptCalls().map((call) => call.reason)).not.toContain('reconnect');
});

onlyProduct('a device that connects between two gateways waits and gets in', async () => {
  const { culvert } = lab();
  await culvert.administer('POST', '/hand-over');
  await eventually('the gateway has ended', () => !culvert.running);
  const client = lab().startClient({ device: lab().network.deviceAt(1), user: 'bob' });
  await eventually('the client has a connection', async () => {
    const { stdout } = await lab().network.gateway.run([
      'ss',
      '-Htn',
      'state',
      'established',
      'sport = :443',
    ]);
    return stdout !== '';
  });
  await culvert.startGateway();
  await client.connected(20_000);
  expect(client.log).not.toMatch(/sleep \d+s|Failed to connect/);
});

onlyProduct('an engine upgrade has the device back by its cookie, with nothing refused', async () => {
  const { culvert } = lab();
  const client = await lab().connect();
  const before = await sessionIds();
  const engine = culvert.enginePid();
  await culvert.handOver();
  await culvert.startGateway({ CULVERT_ENGINE: otherEngine() });
  expect(culvert.enginePid()).toBe(engine);
  expect(await culvert.administer('POST', '/replace-engine')).toEqual({ replaced: true });
  expect(culvert.enginePid()).not.toBe(engine);
  await client.scriptCall('reconnect', 1, 9_000);
  expect(await reaches(client.device.namespace, corpAddress)).toBe(true);
  expect(await sessionIds()).toEqual(before);
  expect(client.log).not.toMatch(/sleep \d+s/);
  expect((await lab().network.gateway.run(['nft', 'list', 'tables'])).stdout).not.toContain('held');
  expect(await culvert.administer('POST', '/replace-engine')).toEqual({ replaced: false });
});
