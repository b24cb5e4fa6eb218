import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Background } from '../system/background.ts';
import { execute } from '../system/command.ts';
import { processTree } from '../system/process-tree.ts';
import { makeDirectory } from '../system/run.ts';
import type { Server, ServerPlace, ServerSettings } from './server.ts';

/** The peer: Debian's ocserv with the settings of the product, as far as it knows them. */
export class Ocserv implements Server {
  readonly kind = 'ocserv';
  readonly place: ServerPlace;
  readonly settings: ServerSettings;
  readonly #process: Background;

  private constructor(place: ServerPlace, settings: ServerSettings, background: Background) {
    this.place = place;
    this.settings = settings;
    this.#process = background;
  }

  static async start(place: ServerPlace, settings: ServerSettings): Promise<Ocserv> {
    const directory = makeDirectory('ocserv');
    const users = join(directory, 'users');
    for (const [name, password] of Object.entries(settings.accounts)) {
      await execute(['ocpasswd', '--passwd', users, name], { input: `${password}\n${password}\n` });
    }
    const file = join(directory, 'ocserv.conf');
    writeFileSync(file, configurationText(place, settings, directory, users));
    const { gateway } = place.network;
    // ocserv leaves forwarding and translation to the administrator.
    await gateway.nft(`
      table inet ocserv_peer
      delete table inet ocserv_peer
      table inet ocserv_peer {
        chain out {
          type nat hook postrouting priority 100;
          iifname "vpns*" oifname "g*" masquerade
        }
      }`);
    const background = gateway.start(['ocserv', '--foreground', '--config', file]);
    const last = settings.server.disableUdpConnections === true ? 'TCP' : 'UDP';
    try {
      await background.waitFor(new RegExp(`listening \\(${last}\\) on \\[::\\]`), 10_000);
    } catch (error) {
      await background.stop();
      throw error;
    }
    return new Ocserv(place, settings, background);
  }

  get output(): string {
    return this.#process.output;
  }

  processes(): number[] {
    return processTree([this.#process.pid]);
  }

  async stop(): Promise<void> {
    await this.#process.stop();
    await this.place.network.gateway.attempt(['nft', 'delete', 'table', 'inet', 'ocserv_peer']);
  }
}

function configurationText(
  place: ServerPlace,
  settings: ServerSettings,
  directory: string,
  users: string,
): string {
  const { server, advanced } = settings;
  const seconds = (name: string, otherwise: number) => advanced[name] ?? String(otherwise);
  const udp = server.disableUdpConnections === true ? [] : [`udp-port = ${server.listenPort ?? 443}`];
  const lines = [
    `auth = "plain[passwd=${users}]"`,
    `tcp-port = ${server.listenPort ?? 443}`,
    ...udp,
    'run-as-user = root',
    'run-as-group = root',
    `socket-file = ${join(directory, 'socket')}`,
    `server-cert = ${place.certificate.chainFile}`,
    `server-key = ${place.certificate.privateKeyFile}`,
    'isolate-workers = false',
    'max-clients = 0',
    'max-same-clients = 0',
    'rate-limit-ms = 0',
    'max-ban-score = 0',
    'cisco-client-compat = true',
    'dtls-legacy = true',
    'device = vpns',
    // With it a client that comes back gets its address again; without it many clients of one account find one.
    `predictable-ips = ${settings.gateway.maximumSessionsPerAccount === undefined}`,
    'try-mtu-discovery = false',
    'mobile-dpd = 1800',
    `dpd = ${seconds('dead-peer-detection', 30)}`,
    `keepalive = ${seconds('keepalive', 20)}`,
    `rekey-time = ${seconds('rekey-time', 86_400)}`,
    'rekey-method = new-tunnel',
    `cookie-timeout = ${seconds('roaming-timeout', 300)}`,
    `session-timeout = ${seconds('session-timeout', 3600)}`,
    ...(advanced['idle-timeout'] === undefined ? [] : [`idle-timeout = ${advanced['idle-timeout']}`]),
    ...(advanced.banner === undefined ? [] : [`banner = "${advanced.banner}"`]),
    `ipv4-network = ${server.network}`,
    ...(server.ipv6Network === undefined ? [] : [`ipv6-network = ${server.ipv6Network}`]),
    ...(server.dnsServers ?? []).map((address) => `dns = ${address}`),
    ...(server.defaultDomainSuffix === undefined ? [] : [`default-domain = ${server.defaultDomainSuffix}`]),
    ...(server.splitDNS ?? []).map((domain) => `split-dns = ${domain}`),
    ...(server.routeIncludes ?? []).map((route) => `route = ${route}`),
    ...(server.routeExcludes ?? []).map((route) => `no-route = ${route}`),
  ];
  return `${lines.join('\n')}\n`;
}
