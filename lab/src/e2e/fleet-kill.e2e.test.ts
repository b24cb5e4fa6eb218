import { expect, test } from 'vitest';
import { corpAddress } from '../network/network.ts';
import { eventually } from '../system/wait.ts';
import { SteadyPings } from '../traffic/steady-pings.ts';
import { useFleet } from './use-fleet.ts';

const fleet = useFleet({ servers: 3, devices: 10 });

/** Pings of a second: what may be lost while the scheduler of two cores is busy with starting processes. */
const shortGap = 5;

test.each(['agent', 'gateway'] as const)(
  'the process of the %s comes back by itself after a kill, and no tunnel feels it',
  async (kind) => {
    const clients = await fleet().connectAll();
    const pings = await SteadyPings.start(clients, corpAddress);
    const server = fleet().serverAt(0);
    const engine = server.processes('engine');
    const sessions = (await server.sessions()).map(({ id }) => id).sort();
    const killedAt = new Date();
    await server.kill(kind);
    await eventually(`the ${kind} runs again`, () => server.processes(kind).length === 1, 30_000);
    if (kind === 'agent') await fleet().checkedInSince(server, killedAt);
    else await eventually('the gateway answers', () => server.sessions(), 30_000);
    await pings.goOn();
    expect(await pings.longestGap()).toBeLessThanOrEqual(shortGap);
    expect(server.processes('engine')).toEqual(engine);
    expect((await server.sessions()).map(({ id }) => id).sort()).toEqual(sessions);
    for (const client of clients) {
      expect(client.scriptCalls().map((call) => call.reason)).not.toContain('reconnect');
    }
  },
);

test('a monitor that is killed finds its processes again, and no tunnel feels it', async () => {
  const clients = await fleet().connectAll();
  const pings = await SteadyPings.start(clients, corpAddress);
  const server = fleet().serverAt(0);
  const all = () => (['agent', 'gateway', 'engine'] as const).map((kind) => server.processes(kind));
  const before = all();
  await server.kill('monitor');
  server.startMonitor();
  await pings.goOn();
  // Those that it did not start itself come back too.
  await server.kill('agent');
  await eventually('the agent runs again', () => server.processes('agent').length === 1, 30_000);
  expect(all().slice(1)).toEqual(before.slice(1));
  expect(await pings.longestGap()).toBeLessThanOrEqual(shortGap);
});

test('after an engine was killed its devices come back by themselves without signing in', async () => {
  const clients = await fleet().connectAll();
  const server = fleet().serverAt(0);
  const before = (await server.sessions()).map(({ id }) => id).sort();
  expect(before.length).toBeGreaterThan(0);
  const pings = await SteadyPings.start(clients, corpAddress);
  await server.kill('engine');
  await pings.goOn(60_000);
  const reconnected = clients.filter((client) =>
    client.scriptCalls().some((call) => call.reason === 'reconnect'),
  );
  expect(reconnected).toHaveLength(before.length);
  expect((await server.sessions()).map(({ id }) => id).sort()).toEqual(before);
  await pings.stop();
});

test('a control plane that is killed and started again is no event for tunnels, and every server is back', async () => {
  const clients = await fleet().connectAll();
  const pings = await SteadyPings.start(clients, corpAddress);
  await fleet().controlPlane.kill();
  await pings.goOn();
  const startedAt = new Date();
  await fleet().controlPlane.start();
  for (const server of fleet().servers) await fleet().checkedInSince(server, startedAt);
  expect(await pings.longestGap()).toBeLessThanOrEqual(shortGap);
});
