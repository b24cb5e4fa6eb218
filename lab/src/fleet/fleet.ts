import { join } from 'node:path';
import { Client, type ClientOptions } from '../client/client.ts';
import { Corp } from '../corp/corp.ts';
import { Authority } from '../server/certificates.ts';
import { writeAccounts } from '../server/culvert.ts';
import { devicePool } from '../server/server.ts';
import { makeDirectory } from '../system/run.ts';
import { Balancer } from './balancer.ts';
import { ControlPlaneHost, type Entry } from './control-plane-host.ts';
import { FleetNetwork } from './fleet-network.ts';
import { ServerHost } from './server-host.ts';

const graph = '/graph/beta/deviceManagement';

/** Accounts of the fleet: one for each device, with its password. */
function accounts(count: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`user${index + 1}`, `the password of user ${index + 1}`]),
  );
}

export interface FleetOptions {
  servers: number;
  devices: number;
  /** False leaves the servers out of the site, with nothing running on them; true is the default. */
  joined?: boolean;
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
      await fleet.#createSite();
      if (options.joined !== false) await fleet.joinAll();
      return fleet;
    } catch (error) {
      await network.remove();
      throw error;
    }
  }

  serverAt(index: number): ServerHost {
    const server = this.servers[index];
    if (server === undefined) throw new Error(`this fleet has no server ${index}`);
    return server;
  }

  /** Lets every server join the site and waits until devices can connect to all of them. */
  async joinAll(): Promise<void> {
    await Promise.all(this.servers.map((server) => this.join(server)));
    await this.balancer.serves(this.servers.map(({ name }) => name));
  }

  /** Makes a configuration and the site of the servers through the API. */
  async #createSite(): Promise<void> {
    const configuration = await this.controlPlane.ask('POST', `${graph}/microsoftTunnelConfigurations`, {
      displayName: 'Fleet',
      network: devicePool,
      dnsServers: ['10.60.0.53'],
      defaultDomainSuffix: 'corp.test',
      routeIncludes: ['10.60.0.0/16'],
    });
    this.configurationId = String(configuration.id);
    const site = await this.controlPlane.ask('POST', `${graph}/microsoftTunnelSites`, {
      displayName: 'Headquarters',
      publicAddress: 'vpn.test',
      microsoftTunnelConfiguration: { id: this.configurationId },
    });
    this.siteId = String(site.id);
  }

  /** The records of the servers of the site. */
  async serverRecords(): Promise<Entry[]> {
    const { value } = await this.controlPlane.ask(
      'GET',
      `${graph}/microsoftTunnelSites/${this.siteId}/microsoftTunnelServers`,
    );
    return value as Entry[];
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
