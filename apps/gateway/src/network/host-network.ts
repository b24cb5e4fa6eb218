import type { Logger } from 'pino';
import type { RunCommand } from './command.ts';
import { firewallScript, removalScript } from './firewall-rules.ts';
import { type Family, Forwarding } from './forwarding.ts';
import { holdScript, releaseScript } from './held-connections.ts';
import type { TunnelNetwork } from './tunnel-network.ts';

export interface HostNetworkOptions {
  runtimeDirectory: string;
  logger: Logger;
  run: RunCommand;
}

/**
 * Packets that wait for the engine to read them. The kernel's 500 overflow within a third of a millisecond at
 * 10 Gbit/s; 1000 packets of 64 kB are still only 50 ms of it.
 */
export const transmitQueueLength = 1000;

/** The host's side of the tunnel: addresses of the interface, forwarding, firewall and source NAT. */
export class HostNetwork {
  readonly #run: RunCommand;
  readonly #forwarding: Forwarding;

  constructor({ runtimeDirectory, logger, run }: HostNetworkOptions) {
    this.#run = run;
    this.#forwarding = new Forwarding(runtimeDirectory, logger);
  }

  /** Forwarding and the firewall; before the tunnel interface exists, so that no packet passes without rules. */
  async prepare(network: TunnelNetwork): Promise<void> {
    // The rules go before the switch: a host must not forward anything unguarded, not even for a moment.
    const families: Family[] = network.ipv6 === undefined ? ['ipv4'] : ['ipv4', 'ipv6'];
    await this.#forwarding.inspect(families);
    await this.#applyFirewall(network, this.#forwarding.changed);
    await this.#forwarding.enable();
  }

  /** Replaces the firewall after a reload. */
  async update(network: TunnelNetwork): Promise<void> {
    await this.#applyFirewall(network, this.#forwarding.changed);
  }

  /** Makes new connections to the port wait while `work` goes on, ten seconds at most. */
  async holdConnections<Result>(
    network: TunnelNetwork,
    port: number,
    work: () => Promise<Result>,
  ): Promise<Result> {
    await this.#run('nft', ['-f', '-'], holdScript(network.interface, port));
    try {
      return await work();
    } finally {
      await this.#run('nft', ['-f', '-'], releaseScript(network.interface));
    }
  }

  /** Addresses of the interface that the engine has made; safe to repeat. */
  async raise(network: TunnelNetwork): Promise<void> {
    const { interface: tunnel, ipv4, ipv6, mtu } = network;
    const length = (cidr: string) => cidr.split('/')[1] ?? '';
    await this.#ip(
      'link',
      'set',
      'dev',
      tunnel,
      'mtu',
      String(mtu),
      'txqueuelen',
      String(transmitQueueLength),
    );
    await this.#ip('addr', 'replace', `${ipv4.gateway}/${length(ipv4.network)}`, 'dev', tunnel);
    if (ipv6 !== undefined) {
      // Nobody else is on this link to have the address already.
      await this.#ip(
        '-6',
        'addr',
        'replace',
        `${ipv6.gateway}/${length(ipv6.network)}`,
        'dev',
        tunnel,
        'nodad',
      );
    }
    await this.#ip('link', 'set', 'dev', tunnel, 'up');
  }

  /** Takes away everything that `prepare` made. */
  async remove(network: TunnelNetwork): Promise<void> {
    await this.#forwarding.putBack();
    await this.#run('nft', ['-f', '-'], removalScript(network.interface) + releaseScript(network.interface));
  }

  async #applyFirewall(network: TunnelNetwork, forwardOnlyTunnel: boolean): Promise<void> {
    await this.#run('nft', ['-f', '-'], firewallScript(network, { forwardOnlyTunnel }));
  }

  async #ip(...parameters: string[]): Promise<void> {
    await this.#run('ip', parameters);
  }
}
