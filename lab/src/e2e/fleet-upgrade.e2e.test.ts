import { expect, test } from 'vitest';
import type { Entry } from '../fleet/control-plane-host.ts';
import { copyRelease } from '../fleet/releases.ts';
import { corpAddress } from '../network/network.ts';
import { eventually } from '../system/wait.ts';
import { SteadyPings } from '../traffic/steady-pings.ts';
import { useFleet } from './use-fleet.ts';

/** Each server takes about a minute, because it must be heard of at the end of the time in which it is watched. */
const patience = 240_000;

const fleet = useFleet({
  servers: 2,
  devices: 4,
  prepareReleases: (releases) => copyRelease(releases, '1.0.0'),
});

/** Tells of a release, puts it on every server and lets the site go over to it; resolves to how that ended. */
async function rollOut(version: string): Promise<Entry & { servers: Entry[] }> {
  const { controlPlane, siteId } = fleet();
  await controlPlane.ask('POST', '/api/v1/releases', { version });
  const { id } = await controlPlane.ask('POST', `/api/v1/sites/${siteId}/upgrades`, { version });
  return eventually(
    `the roll-out of ${version} has ended`,
    async () => {
      const upgrade = await controlPlane.ask('GET', `/api/v1/sites/${siteId}/upgrades/${id}`);
      const servers = upgrade.servers as Entry[];
      const isOver = ['completed', 'failed'].includes(String(upgrade.state));
      const isGoingBack = servers.some(({ state }) => state === 'failed');
      return isOver && !isGoingBack ? { ...upgrade, servers } : undefined;
    },
    patience,
    500,
  );
}

/** The version of the gateway of each server, as its processes tell. */
const versions = () => Promise.all(fleet().servers.map((server) => server.gatewayVersion()));

test(
  'a site goes over to a release one server after the other, and no tunnel feels it',
  async () => {
    const { controlPlane, servers } = fleet();
    await controlPlane.ask('PATCH', '/api/v1/settings', { upgradeSoakSeconds: 10 });
    for (const server of servers) copyRelease(server.releases, '1.1.0');
    const clients = await fleet().connectAll();
    const pings = await SteadyPings.start(clients, corpAddress);
    const upgrade = await rollOut('1.1.0');
    expect(upgrade.state).toBe('completed');
    expect(await versions()).toEqual(['1.1.0', '1.1.0']);
    const [first, second] = upgrade.servers.toSorted((one, other) =>
      String(one.startedDateTime).localeCompare(String(other.startedDateTime)),
    );
    expect(String(second?.startedDateTime) >= String(first?.finishedDateTime)).toBe(true);
    await pings.goOn();
    expect(await pings.longestGap()).toBeLessThanOrEqual(2);
    for (const client of clients) {
      expect(client.scriptCalls().map((call) => call.reason)).not.toContain('reconnect');
    }
  },
  patience + 60_000,
);

test(
  'a release whose gateway does not start is left again, and the roll-out ends before the next server',
  async () => {
    const { servers } = fleet();
    for (const server of servers) copyRelease(server.releases, '1.2.0', { isBroken: true });
    const clients = await fleet().connectAll();
    const pings = await SteadyPings.start(clients, corpAddress);
    const upgrade = await rollOut('1.2.0');
    expect(upgrade).toMatchObject({ state: 'failed', reason: expect.stringContaining('server') });
    expect(upgrade.servers.map(({ state }) => state).sort()).toEqual(['returned', 'waiting']);
    expect(await versions()).toEqual(['1.1.0', '1.1.0']);
    await pings.goOn();
    expect(await pings.longestGap()).toBeLessThanOrEqual(2);
  },
  patience + 60_000,
);
