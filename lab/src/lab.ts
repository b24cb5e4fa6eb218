import { Client, type ClientOptions } from './client/client.ts';
import { Corp } from './corp/corp.ts';
import { Network, type NetworkOptions } from './network/network.ts';
import { Authority } from './server/certificates.ts';
import { Culvert } from './server/culvert.ts';
import type { Server, ServerKind, ServerSettings } from './server/server.ts';
import { startServer } from './server/start.ts';

export interface LabOptions {
  server?: ServerKind;
  network?: NetworkOptions;
  settings?: Partial<ServerSettings>;
}

/** Which server the tests run against; the peer only helps to check the tests themselves. */
export const serverKind: ServerKind = process.env.CULVERT_LAB_SERVER === 'ocserv' ? 'ocserv' : 'culvert';

/** A whole lab: network, corporate host and one server. */
export class Lab {
  readonly network: Network;
  readonly corp: Corp;
  readonly authority: Authority;
  #server: Server;
  readonly #clients = new Set<Client>();

  private constructor(network: Network, corp: Corp, authority: Authority, server: Server) {
    this.network = network;
    this.corp = corp;
    this.authority = authority;
    this.#server = server;
  }

  static async start(options: LabOptions = {}): Promise<Lab> {
    const network = await Network.create(options.network);
    try {
      const corp = await Corp.start(network.corp);
      const authority = await Authority.create();
      const server = await startServer(options.server ?? serverKind, network, options.settings, authority);
      return new Lab(network, corp, authority, server);
    } catch (error) {
      await network.remove();
      throw error;
    }
  }

  get server(): Server {
    return this.#server;
  }

  /** The server as the product, for what only the product has. */
  get culvert(): Culvert {
    if (!(this.#server instanceof Culvert)) throw new Error('this lab runs the peer, not the product');
    return this.#server;
  }

  /** Stops the server and starts another one, with other settings, in the same network. */
  async restartServer(settings: Partial<ServerSettings> = {}): Promise<void> {
    await this.#server.stop();
    this.#server = await startServer(this.#server.kind, this.network, settings, this.authority);
  }

  /** Options of a client of the first account on the first device. */
  clientOptions(changes: Partial<ClientOptions> = {}): ClientOptions {
    const user = changes.user ?? 'alice';
    const password = this.#server.settings.accounts[user];
    return {
      device: this.network.device,
      authoritiesFile: this.authority.rootFile,
      ...(changes.cookie === undefined ? { user, ...(password === undefined ? {} : { password }) } : {}),
      ...changes,
    };
  }

  /** Starts a client and waits for nothing. */
  startClient(changes: Partial<ClientOptions> = {}): Client {
    const client = Client.start(this.clientOptions(changes));
    this.#clients.add(client);
    void client.process.ended.then(() => this.#clients.delete(client));
    return client;
  }

  /** Connects a client and waits for its tunnel. */
  async connect(changes: Partial<ClientOptions> = {}, timeoutMilliseconds?: number): Promise<Client> {
    const client = this.startClient(changes);
    await client.connected(timeoutMilliseconds);
    return client;
  }

  /** Ends every client that still runs, so that the next test begins without sessions. */
  async dismissClients(): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.logOut()));
  }

  /** Ends the sessions of clients that ended without goodbye. */
  async endSessions(): Promise<void> {
    if (!(this.#server instanceof Culvert) || !this.#server.running) return;
    for (const session of await this.#server.sessions()) {
      await this.#server.command('disconnect', '--session', String(session.id));
    }
  }

  async remove(): Promise<void> {
    await this.#server.stop();
    await this.network.remove();
  }
}
