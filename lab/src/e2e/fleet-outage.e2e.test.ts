import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { corpAddress } from '../network/network.ts';
import { eventually } from '../system/wait.ts';
import { reaches } from '../traffic/ping.ts';
import { SteadyPings } from '../traffic/steady-pings.ts';
import { useFleet } from './use-fleet.ts';

const fleet = useFleet({ servers: 3, devices: 10 });

const outageMilliseconds = 120_000;
/** After two minutes of failures an agent tries again within as long again, at a random moment. */
const returnMilliseconds = 180_000;

test('for two minutes without control plane tunnels and sign-ins go on, and the history has no gap', async () => {
  const clients = await fleet().connectAll();
  const pings = await SteadyPings.start(clients, corpAddress);
  const cutAt = new Date();
  await fleet().controlPlane.setReachable(false);
  await sleep(outageMilliseconds / 2);
  await clients[0]?.logOut();
  const fresh = await fleet().connect(0);
  expect(await reaches(fresh.device.namespace, corpAddress)).toBe(true);
  await sleep(outageMilliseconds / 2);
  const backAt = new Date();
  await fleet().controlPlane.setReachable(true);
  for (const server of fleet().servers) {
    await fleet().checkedInSince(server, backAt, returnMilliseconds);
    const times = await fleet().sampleTimes(server, cutAt, backAt);
    expect(times.length, `${server.name}: ${times.join()}`).toBeGreaterThanOrEqual(2);
  }
  const [, ...others] = await pings.stop();
  for (const { longestGap } of others) expect(longestGap).toBeLessThanOrEqual(2);
}, 420_000);

test('a server that is cut off is left by the balancer, and its devices sign in at another one', async () => {
  const clients = await fleet().connectAll();
  const server = fleet().serverAt(0);
  const users = new Set((await server.sessions()).map(({ user }) => user));
  const cutOff = clients.filter((_, index) => users.has(`user${index + 1}`));
  expect(cutOff.length).toBeGreaterThan(0);
  await server.setReachable(false);
  await fleet().balancer.serves(['server2', 'server3']);
  // The other server does not know their sessions, so their clients end and the people sign in again.
  await Promise.all(cutOff.map((client) => client.process.waitForEnd(60_000)));
  for (const client of cutOff) {
    const again = await fleet().connect(clients.indexOf(client));
    expect(await reaches(again.device.namespace, corpAddress)).toBe(true);
  }
  const backAt = new Date();
  await server.setReachable(true);
  await fleet().checkedInSince(server, backAt);
  await fleet().balancer.serves(['server1', 'server2', 'server3']);
  await eventually(
    'it is not offline',
    async () => (await fleet().record(server)).tunnelServerHealthStatus !== 'offline',
  );
});
