import { expect, test } from 'vitest';
import type { Client } from '../client/client.ts';
import { corpAddress } from '../network/network.ts';
import { eventually } from '../system/wait.ts';
import { reaches } from '../traffic/ping.ts';
import { SteadyPings } from '../traffic/steady-pings.ts';
import { useFleet } from './use-fleet.ts';

const fleet = useFleet({ servers: 3, devices: 10 });

/** Time from a change in the API until every server has it. */
const soon = 5_000;

const routesOf = async (client: Client) => (await client.configuration()).routes('include').sort();

/** Waits until the file of every server has these routes. */
async function everyServerHas(routes: readonly string[], timeoutMilliseconds: number): Promise<void> {
  await eventually(
    `every server has the routes ${routes.join(', ')}`,
    () =>
      fleet().servers.every((server) => {
        const { serverConfiguration } = server.configuration() as {
          serverConfiguration: { routeIncludes: string[] };
        };
        return serverConfiguration.routeIncludes.join() === routes.join();
      }),
    timeoutMilliseconds,
  );
}

test('ten devices are spread over three servers and reach the corporate host through each', async () => {
  const clients = await fleet().connectAll();
  const reached = await Promise.all(clients.map((client) => reaches(client.device.namespace, corpAddress)));
  expect(reached).toEqual(clients.map(() => true));
  const sessions = await Promise.all(fleet().servers.map((server) => server.sessions()));
  expect(sessions.map((list) => list.length).sort()).toEqual([3, 3, 4]);
  expect(await routesOf(clients[0] as Client)).toEqual(['10.60.0.0/16']);
});

test('a new route reaches every server within five seconds, and the next sessions have it', async () => {
  const before = await fleet().connectAll();
  const pings = await SteadyPings.start(before, corpAddress);
  const routes = ['10.60.0.0/16', '10.61.0.0/24'];
  await fleet().patchConfiguration({ routeIncludes: routes });
  await everyServerHas(routes, soon);
  for (const server of fleet().servers) await fleet().hasApplied(server);
  await pings.goOn();
  expect(await pings.longestGap()).toBeLessThanOrEqual(2);
  await fleet().dismissClients();
  for (const client of await fleet().connectAll()) expect(await routesOf(client)).toEqual(routes);
});

test('servers whose gateways refuse a configuration say why and keep the one before, and no tunnel feels it', async () => {
  const clients = await fleet().connectAll();
  const pings = await SteadyPings.start(clients, corpAddress);
  const [inUse] = await fleet().revisions(fleet().serverAt(0));
  for (const { namespace } of fleet().servers) {
    const squatter = namespace.start(['python3', '-u', '-m', 'http.server', '9000']);
    await squatter.waitFor(/Serving HTTP/, 10_000);
  }
  await fleet().patchConfiguration({ listenPort: 9000 });
  for (const server of fleet().servers) {
    const failed = await eventually(
      `${server.name} says that it failed`,
      async () => (await fleet().revisions(server)).find(({ status }) => status === 'failed'),
      30_000,
    );
    expect(failed).toMatchObject({ reason: expect.stringMatching(/9000/), isInUse: false });
    expect(await fleet().revisions(server)).toContainEqual(
      expect.objectContaining({ revision: inUse?.revision, isInUse: true }),
    );
    expect(server.configuration().serverConfiguration).toMatchObject({ listenPort: 443 });
  }
  await pings.goOn();
  expect(await pings.longestGap()).toBeLessThanOrEqual(2);
});
