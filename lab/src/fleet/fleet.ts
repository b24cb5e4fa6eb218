import { join } from 'node:path';
import { Client, type ClientOptions } from '../client/client.ts';
import { Corp } from '../corp/corp.ts';
import { Authority } from '../server/certificates.ts';
import { writeAccounts } from '../server/culvert.ts';
import { makeDirectory } from '../system/run.ts';
import { eventually } from '../system/wait.ts';
import { Balancer } from './balancer.ts';
import { ControlPlaneHost, type Entry } from './control-plane-host.ts';
import { createSite, graph } from './create-site.ts';
import { FleetNetwork } from './fleet-network.ts';
import { ServerHost } from './server-host.ts';

/** Accounts of the fleet: one for each device, with its password. */
function accounts(count: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`user${index + 1}`, `the password of user ${index + 1}`]),
  );
}

export interface FleetOptions {
  servers: number;
  devices: number;
  /**
   * What runs on the servers: the monitor, and with it gateway and agent (the default); both without a monitor, each as the test
   * starts them; or nothing, on servers that have not joined.
   */
  running?: 'monitor' | 'single' | 'nothing';
  /** Makes releases on each server before anything is started there. */
  prepareReleases?: (directory: string) => void;
}

/** A control plane with one site, its servers, the balancer in front of them, and devices. */
export class Fleet {
  readonly network: FleetNetwork;
  readonly authority: Authority;
  readonly controlPlane: ControlPlaneHost;
  readonly servers: readonly ServerHost[];
  readonly balancer: Balancer;
  readonly #accounts: Readonly<Record<string, string>>;
  readonly #clients = new Set<Client>();
  siteId = '';
  configurationId = '';

  private constructor(parts: Parts, accounts: Readonly<Record<string, string>>) {
    this.network = parts.network;
    this.authority = parts.authority;
    this.controlPlane = parts.controlPlane;
    this.servers = parts.servers;
    this.balancer = parts.balancer;
    this.#accounts = accounts;
  }

  /** Starts everything, and lets the servers join the site. */
  static async start(options: FleetOptions): Promise<Fleet> {
    const network = await FleetNetwork.create(options);
    try {
      await Corp.start(network.corp);
      const authority = await Authority.create();
      const certificate = await authority.issueSite();
      const users = accounts(options.devices);
      const usersFile = join(makeDirectory('accounts'), 'users');
      await writeAccounts(usersFile, users);
      const controlPlane = new ControlPlaneHost(network.controlPlane);
      await controlPlane.start();
      const servers = await Promise.all(
        network.servers.map((place) => ServerHost.prepare(place, certificate, usersFile)),
      );
      const balancer = await Balancer.start(network);
      const fleet = new Fleet({ network, authority, controlPlane, servers, balancer }, users);
      await fleet.#begin(options).catch((error: unknown) => {
        throw new Error(`the servers did not join:\n${fleet.outputs()}`, { cause: error });
      });
      return fleet;
    } catch (error) {
      await network.remove();
      throw error;
    }
  }

  async #begin({ running = 'monitor', prepareReleases }: FleetOptions): Promise<void> {
    const { configurationId, siteId } = await createSite(this.controlPlane);
    this.configurationId = configurationId;
    this.siteId = siteId;
    for (const server of this.servers) prepareReleases?.(server.releases);
    const hasReleases = prepareReleases !== undefined;
    if (running === 'monitor') {
      await this.#joinAll((server) => server.startMonitor({ hasReleases }));
    } else if (running === 'single') {
      await this.#joinAll(async (server) => {
        server.startGateway();
        await server.startAgent();
      });
    }
  }

  /** The last lines that control plane and servers have printed. */
  outputs(lines = 40): string {
    const tail = (text: string) => text.split('\n').slice(-lines).join('\n');
    return [this.controlPlane, ...this.servers]
      .map(({ name, output }) => `${name}:\n${tail(output)}`)
      .join('\n\n');
  }

  serverAt(index: number): ServerHost {
    const server = this.servers[index];
    if (server === undefined) throw new Error(`this fleet has no server ${index}`);
    return server;
  }

  async #joinAll(start: (server: ServerHost) => Promise<void> | void): Promise<void> {
    await Promise.all(
      this.servers.map(async (server) => {
        server.giveJoinToken(await this.createJoinToken({ siteId: this.siteId }));
        await start(server);
        await this.hasApplied(server);
      }),
    );
    await this.balancer.serves(this.servers.map(({ name }) => name));
  }

  /** The records of the servers of the site. */
  async serverRecords(): Promise<Entry[]> {
    const { value } = await this.controlPlane.ask(
      'GET',
      `${graph}/microsoftTunnelSites/${this.siteId}/microsoftTunnelServers`,
    );
    return value as Entry[];
  }

  /** The record of a server. */
  async record(server: ServerHost): Promise<Entry & { id: string }> {
    const record = (await this.serverRecords()).find(({ displayName }) => displayName === server.name);
    if (record === undefined) throw new Error(`${server.name} has not joined`);
    return record as Entry & { id: string };
  }

  /** Text of a join token for the site, or for a server that joins again. */
  async createJoinToken(place: { siteId: string } | { serverId: string }): Promise<string> {
    const { joinToken } = await this.controlPlane.ask('POST', '/api/v1/joinTokens', place);
    return String(joinToken);
  }

  /** Changes the configuration of the site. */
  async patchConfiguration(changes: object): Promise<void> {
    const path = `${graph}/microsoftTunnelConfigurations/${this.configurationId}`;
    await this.controlPlane.ask('PATCH', path, changes);
  }

  /** What became of the states of the configuration on a server, newest first. */
  async revisions(server: ServerHost): Promise<Entry[]> {
    const { id } = await this.record(server);
    const { value } = await this.controlPlane.ask('GET', `/api/v1/servers/${id}/configurationRevisions`);
    return value as Entry[];
  }

  /** Waits until a server uses the newest configuration that it was offered. */
  async hasApplied(server: ServerHost, timeoutMilliseconds = 60_000): Promise<void> {
    await eventually(
      `${server.name} has applied its configuration`,
      async () => {
        const [newest] = await this.revisions(server);
        return newest?.status === 'applied' && newest.isInUse === true;
      },
      timeoutMilliseconds,
      250,
    );
  }

  /** Waits until a server has checked in after a moment; by the clock of the control plane. */
  async checkedInSince(server: ServerHost, moment: Date, timeoutMilliseconds = 60_000): Promise<void> {
    await eventually(
      `${server.name} has checked in since ${moment.toISOString()}`,
      async () => String((await this.record(server)).lastCheckinDateTime ?? '') > moment.toISOString(),
      timeoutMilliseconds,
      250,
    );
  }

  /** Moments in a span for which the control plane has a measurement of a server. */
  async sampleTimes(server: ServerHost, start: Date, end: Date): Promise<string[]> {
    const { id } = await this.record(server);
    const { value } = await this.controlPlane.ask(
      'POST',
      `${graph}/microsoftTunnelSites/${this.siteId}/microsoftTunnelServers/${id}/getHealthMetricTimeSeries`,
      {
        metricName: 'cpuCores',
        startDateTime: start.toISOString(),
        endDateTime: end.toISOString(),
      },
    );
    return (value as Entry[]).map(({ dateTime }) => String(dateTime));
  }

  /** Password of the account of a device. */
  passwordOf(index: number): string {
    return Object.values(this.#accounts)[index] ?? '';
  }

  /** Starts the client of a device and waits for nothing. */
  startClient(index: number, changes: Partial<ClientOptions> = {}): Client {
    const device = this.network.devices[index];
    const [user, password] = Object.entries(this.#accounts)[index] ?? [];
    if (device === undefined || user === undefined || password === undefined)
      throw new Error(`this fleet has no device ${index}`);
    const client = Client.start({
      ...{ device, authoritiesFile: this.authority.rootFile, user, password },
      ...changes,
    });
    this.#clients.add(client);
    void client.process.ended.then(() => this.#clients.delete(client));
    return client;
  }

  /** Connects the client of a device and waits for its tunnel. */
  async connect(index: number, timeoutMilliseconds?: number): Promise<Client> {
    const client = this.startClient(index);
    await client.connected(timeoutMilliseconds);
    return client;
  }

  /** Connects the clients of all devices. */
  async connectAll(): Promise<Client[]> {
    return await Promise.all(this.network.devices.map((_, index) => this.connect(index, 60_000)));
  }

  async dismissClients(): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.logOut()));
  }

  async remove(): Promise<void> {
    await this.dismissClients();
    await Promise.all(this.servers.map((server) => server.stop()));
    await this.controlPlane.stop();
    await this.network.remove();
  }
}

type Parts = Pick<Fleet, 'network' | 'authority' | 'controlPlane' | 'servers' | 'balancer'>;
