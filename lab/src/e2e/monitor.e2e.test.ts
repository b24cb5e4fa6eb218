import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Client } from '../client/client.ts';
import { Corp } from '../corp/corp.ts';
import { corpAddress, Network } from '../network/network.ts';
import { MonitoredHost } from '../server/monitored-host.ts';
import { makeRelease } from '../server/releases.ts';
import { labAccounts } from '../server/server.ts';
import { eventually } from '../system/wait.ts';
import { reaches, SteadyPing } from '../traffic/ping.ts';

let network: Network;
let host: MonitoredHost;
let client: Client;

beforeAll(async () => {
  network = await Network.create();
  await Corp.start(network.corp);
  host = await MonitoredHost.prepare(network);
  makeRelease(host.releases, '1.0.0');
  makeRelease(host.releases, '1.1.0', { hasOtherEngine: true });
  await host.start();
  client = await Client.connect({
    device: network.device,
    authoritiesFile: host.authority.rootFile,
    user: 'alice',
    password: labAccounts.alice,
  });
  // Made afterwards, so that the host does not begin with them.
  makeRelease(host.releases, '1.2.0', { gateway: 'exit 7' });
  makeRelease(host.releases, '1.3.0', { agent: 'exec sleep 1000' });
});
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.error(host.output.split('\n').slice(-60).join('\n'));
});
afterAll(async () => {
  await host?.stop();
  await network?.remove();
});

/** Pings from before `work` until it is over; resolves to those that were lost. */
async function lostDuring(work: () => Promise<void>): Promise<number[]> {
  const ping = new SteadyPing(network.device.namespace, corpAddress);
  await eventually('pings are answered', () => ping.received >= 3);
  await work();
  const { received } = ping;
  await eventually('pings are answered still', () => ping.received >= received + 3);
  return (await ping.stop()).lost;
}

const serving = () => host.untilServing();

async function upgrade(version: string) {
  expect(await host.post('/upgrade', { version })).toMatchObject({ status: 202 });
  return eventually(
    'the upgrade has ended',
    async () => {
      const { upgrade: report } = await host.status();
      return report?.version === version && report.state !== 'running' ? report : undefined;
    },
    120_000,
  );
}

test('a host begins with its newest release, and both processes run', async () => {
  expect(await host.status()).toMatchObject({
    version: '1.1.0',
    available: ['1.0.0', '1.1.0', '1.2.0', '1.3.0'],
    processes: { server: { state: 'running', endings: 0 }, agent: { state: 'running', endings: 0 } },
  });
});

test.each(['server', 'agent'] as const)('a killed %s comes back, and not one ping is lost', async (name) => {
  const before = await host.processIds();
  const lost = await lostDuring(async () => {
    process.kill(before[name] ?? 0, 'SIGKILL');
    await eventually('it runs again', async () => {
      const id = (await host.processIds())[name];
      return id !== undefined && id !== before[name];
    });
    await serving();
  });
  expect(lost).toEqual([]);
  expect((await host.status()).processes[name]).toMatchObject({ endings: 1, lastEnding: 'SIGKILL' });
});

test('a killed monitor finds its processes again, and starts nothing twice', async () => {
  const before = await host.processIds();
  const engine = host.enginePid();
  const lost = await lostDuring(async () => {
    await host.killMonitor();
    await host.start();
  });
  expect(lost).toEqual([]);
  expect(await host.processIds()).toEqual(before);
  expect(host.enginePid()).toBe(engine);
  // Also those that it did not start itself.
  process.kill(before.agent ?? 0, 'SIGKILL');
  await eventually('the agent runs again', async () => {
    const { agent } = await host.processIds();
    return agent !== undefined && agent !== before.agent;
  });
});

test('a gateway that stands still is started again, and not one ping is lost', async () => {
  const { server } = await host.processIds();
  const lost = await lostDuring(async () => {
    process.kill(server ?? 0, 'SIGSTOP');
    await eventually(
      'another gateway runs',
      async () => {
        const { server: after } = await host.processIds();
        return after !== undefined && after !== server;
      },
      30_000,
    );
    await serving();
  });
  expect(lost).toEqual([]);
});

test('a release that is not there is refused, with the place for it', async () => {
  expect(await host.post('/upgrade', { version: '9.9.9' })).toEqual({
    status: 422,
    body: { error: expect.stringContaining(`put it to ${host.releases}/9.9.9`) },
  });
  expect(await host.post('/upgrade', { version: '../1.0.0' })).toMatchObject({ status: 400 });
  expect(await host.post('/upgrade', { version: '1.1.0' })).toMatchObject({ status: 202 });
  expect((await host.status()).upgrade).toBeUndefined();
});

test.each([
  ['1.2.0', 'the gateway ends by itself (status 7)'],
  ['1.3.0', 'the agent does not answer at its socket'],
])('an upgrade to the broken release %s goes back, and not one ping is lost', async (version, reason) => {
  const engine = host.enginePid();
  const lost = await lostDuring(async () => {
    expect(await upgrade(version)).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining(reason),
    });
  });
  expect(lost).toEqual([]);
  expect(host.enginePid()).toBe(engine);
  expect(await host.status()).toMatchObject({ version: '1.1.0' });
  await serving();
});

test('an upgrade with another engine has the device back by its cookie, also over a kill of the monitor', async () => {
  const engine = host.enginePid();
  const session = (await host.gateway('/sessions')).body;
  expect(await host.post('/upgrade', { version: '1.0.0' })).toMatchObject({ status: 202 });
  await host.killMonitor();
  await host.start();
  expect(await upgrade('1.0.0')).toMatchObject({ state: 'done' });
  expect(await host.status()).toMatchObject({ version: '1.0.0' });
  expect(host.enginePid()).not.toBe(engine);
  await client.scriptCall('reconnect', 1, 9_000);
  expect(await reaches(network.device.namespace, corpAddress)).toBe(true);
  const ids = ({ sessions }: { sessions?: unknown }) => (sessions as { id: string }[]).map(({ id }) => id);
  expect(ids((await host.gateway('/sessions')).body)).toEqual(ids(session));
});

test('a restart of the server ends gateway and engine, and the device comes back', async () => {
  const engine = host.enginePid();
  expect(await host.post('/restart', { process: 'server' })).toMatchObject({ status: 200 });
  await serving();
  expect(host.enginePid()).not.toBe(engine);
  await client.scriptCall('reconnect', 2, 60_000);
});

test('what a killed monitor has left running can be stopped without it', async () => {
  expect((await host.stopLeftovers()).code).toBe(1);
  await host.killMonitor();
  expect((await host.stopLeftovers()).code).toBe(0);
  expect(network.gateway.processes()).toEqual([]);
  await host.start();
  await client.scriptCall('reconnect', 3, 60_000);
});

test('a monitor that is told to stop leaves nothing behind', async () => {
  await client.logOut();
  expect(await host.stop()).toEqual({ code: 0, signal: undefined });
  expect(network.gateway.processes()).toEqual([]);
});
