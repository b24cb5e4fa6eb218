import { writeFileSync } from 'node:fs';
import { Client, type ClientOptions } from '../client/client.ts';
import { Corp } from '../corp/corp.ts';
import { corpDnsAddress, Network, type NetworkOptions } from '../network/network.ts';
import { Authority } from '../server/certificates.ts';
import { labAccounts } from '../server/server.ts';
import { Engine, type EngineKind } from './engine.ts';
import { ensureImages } from './images.ts';
import { PrivateHost } from './private-host.ts';

export interface ContainerLabOptions {
  engine: EngineKind;
  /** False leaves the engine without the images of the product. */
  images?: boolean;
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
  readonly #clients = new Set<Client>();

  private constructor(network: Network, corp: Corp, authority: Authority, host: PrivateHost, engine: Engine) {
    this.network = network;
    this.corp = corp;
    this.authority = authority;
    this.host = host;
    this.engine = engine;
  }

  static async start({
    engine: kind,
    images = true,
    network: options,
  }: ContainerLabOptions): Promise<ContainerLab> {
    const network = await Network.create(options);
    let host: PrivateHost | undefined;
    try {
      const [corp, authority] = await Promise.all([Corp.start(network.corp), Authority.create()]);
      // Containers get their own copy of it when they are started.
      writeFileSync(network.gateway.resolvConf, `nameserver ${corpDnsAddress}\n`);
      host = await PrivateHost.start(network.gateway, 'server1');
      const engine = await Engine.start(kind, host);
      if (images) await ensureImages(engine);
      return new ContainerLab(network, corp, authority, host, engine);
    } catch (error) {
      await host?.remove();
      await network.remove();
      throw error;
    }
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
    await this.network.remove();
  }
}
