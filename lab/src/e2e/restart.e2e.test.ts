import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { serverKind } from '../lab.ts';
import { corpAddress } from '../network/network.ts';
import { eventually } from '../system/wait.ts';
import { iperfCommand, parseIperf } from '../traffic/iperf.ts';
import { reaches, SteadyPing } from '../traffic/ping.ts';
import { useLab } from './use-lab.ts';

const lab = useLab({ network: { devices: 2 } });
const onlyProduct = test.runIf(serverKind === 'culvert');

onlyProduct.each([true, false])(
  'a transfer goes on while the gateway is killed and started again (DTLS: %s)',
  async (dtls) => {
    const device = lab().network.device.namespace;
    const client = await lab().connect({ dtls });
    const before = (await lab().culvert.sessions()).map((one) => one.id);
    const engine = lab().culvert.enginePid();
    const transfer = device.start([...iperfCommand({ direction: 'down', seconds: 10 }), '--interval', '1']);
    const ping = new SteadyPing(device, corpAddress);
    await sleep(3_000);
    await lab().culvert.killGateway();
    await sleep(2_000);
    await lab().culvert.startGateway();
    expect((await lab().culvert.sessions()).map((one) => one.id)).toEqual(before);
    expect(lab().culvert.enginePid()).toBe(engine);
    await transfer.waitForEnd(40_000);
    expect(parseIperf(transfer.output).receivedBytes).toBeGreaterThan(10_000_000);
    const { longestGap } = await ping.stop();
    expect(longestGap).toBeLessThanOrEqual(2);
    expect(client.scriptCalls().map((call) => call.reason)).not.toContain('reconnect');
    expect(client.process.running).toBe(true);
  },
);

onlyProduct('a device that connects while the gateway is away waits and gets in', async () => {
  await lab().culvert.killGateway();
  const client = lab().startClient({ device: lab().network.deviceAt(1), user: 'bob' });
  await sleep(3_000);
  expect(client.process.running).toBe(true);
  await lab().culvert.startGateway();
  await client.connected(20_000);
  expect(await reaches(client.device.namespace, corpAddress)).toBe(true);
  expect(client.log).not.toMatch(/sleep \d+s|Failed to connect/);
});

onlyProduct('a client that reconnects while the gateway is away keeps its session', async () => {
  const client = await lab().connect();
  const before = (await lab().culvert.sessions()).map((one) => one.id);
  await lab().culvert.killGateway();
  client.process.signal('SIGUSR2');
  await sleep(2_000);
  await lab().culvert.startGateway();
  await client.scriptCall('reconnect', 1, 20_000);
  expect((await lab().culvert.sessions()).map((one) => one.id)).toEqual(before);
  await eventually('traffic passes', () => reaches(lab().network.device.namespace, corpAddress), 20_000);
});

onlyProduct.each(['SIGTERM', 'SIGINT'] as const)(
  'a gateway that is stopped by %s takes its engine and its rules along, and its sessions stay',
  async (signal) => {
    const { culvert } = lab();
    const client = await lab().connect();
    const before = (await culvert.sessions()).map((one) => one.id);
    expect(await culvert.stopGateway(signal)).toEqual({ code: 0, signal: undefined });
    expect(culvert.enginePid()).toBeUndefined();
    expect((await lab().network.gateway.run(['nft', 'list', 'tables'])).stdout).toBe('');
    await culvert.startGateway();
    await client.scriptCall('reconnect', 1, 30_000);
    expect((await culvert.sessions()).map((one) => one.id)).toEqual(before);
  },
);
