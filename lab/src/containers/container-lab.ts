import { writeFileSync } from 'node:fs';
import { Client, type ClientOptions } from '../client/client.ts';
import { Corp } from '../corp/corp.ts';
import { controlPlaneAddress, controlPlaneName } from '../fleet/fleet-network.ts';
import { corpDnsAddress, Network, type NetworkOptions } from '../network/network.ts';
import { Authority } from '../server/certificates.ts';
import { labAccounts } from '../server/server.ts';
import { Engine, type EngineKind } from './engine.ts';
import { ensureImages } from './images.ts';
import { Management } from './management.ts';
import { PrivateHost } from './private-host.ts';

export interface ContainerLabOptions {
  engine: EngineKind;
  /** False leaves the engine without the images of the product. */
  images?: boolean;
  /** Adds a control plane, which host and containers know as `control.test`. */
  controlPlane?: boolean;
  network?: NetworkOptions;
}

/**
 * A lab whose server is a private host with a container engine of its own: `lab.host` is where tools of the product run, with
 * `/etc/mstunnel` and every other place as on a real server. Devices and the corporate side are as in every lab.
 */
export class ContainerLab {
  readonly network: Network;
  readonly corp: Corp;
  readonly authority: Authority;
  readonly host: PrivateHost;
  readonly engine: Engine;
  readonly #management: Management | undefined;
  readonly #clients = new Set<Client>();

  private constructor(parts: Parts) {
    this.network = parts.network;
    this.corp = parts.corp;
    this.authority = parts.authority;
    this.host = parts.host;
    this.engine = parts.engine;
    this.#management = parts.management;
  }

  static async start(options: ContainerLabOptions): Promise<ContainerLab> {
    const { engine: kind, images = true, controlPlane = false } = options;
    const network = await Network.create(options.network);
    let host: PrivateHost | undefined;
    let management: Management | undefined;
    try {
      const names = { [controlPlaneName]: controlPlaneAddress };
      const [corp, authority] = await Promise.all([Corp.start(network.corp, names), Authority.create()]);
      // Containers get a copy of it when they are started.
      writeFileSync(network.gateway.resolvConf, `nameserver ${corpDnsAddress}\n`);
      if (controlPlane) management = await Management.start(network.gateway);
      host = await PrivateHost.start(network.gateway, 'server1');
      const engine = await Engine.start(kind, host);
      if (images) await ensureImages(engine);
      return new ContainerLab({ network, corp, authority, host, engine, management });
    } catch (error) {
      await host?.remove();
      await management?.remove();
      await network.remove();
      throw error;
    }
  }

  /** The control plane with its site; only in a lab that was started with one. */
  get management(): Management {
    if (this.#management === undefined) throw new Error('this lab was started without a control plane');
    return this.#management;
  }

  /** Connects the first account on the first device and waits for its tunnel. */
  async connect(changes: Partial<ClientOptions> = {}, timeoutMilliseconds?: number): Promise<Client> {
    const client = Client.start({
      device: this.network.device,
      authoritiesFile: this.authority.rootFile,
      user: 'alice',
      password: labAccounts.alice,
      ...changes,
    });
    this.#clients.add(client);
    void client.process.ended.then(() => this.#clients.delete(client));
    await client.connected(timeoutMilliseconds);
    return client;
  }

  /** Ends every client that still runs. */
  async dismissClients(): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.logOut()));
  }

  async remove(): Promise<void> {
    await this.engine.removeContainers();
    await this.host.remove();
    await this.#management?.remove();
    await this.network.remove();
  }
}

interface Parts extends Pick<ContainerLab, 'network' | 'corp' | 'authority' | 'host' | 'engine'> {
  management: Management | undefined;
}
