import { isAddress } from '@culvert/contracts';
import type { TunnelNetwork } from './tunnel-network.ts';

/** Name of our table; one for each tunnel interface, so that two gateways can share a host. */
export function tableName(tunnelInterface: string): string {
  // nft takes letters, digits and _ in a bare name; interface names have . and - too.
  return `culvert_${tunnelInterface.replace(/[.-]/g, '_')}`;
}

/** The nft script that removes the table, whether it is there or not. */
export function removalScript(tunnelInterface: string): string {
  const table = `inet ${tableName(tunnelInterface)}`;
  // Declaring it first makes deleting it succeed on a host that has none.
  return `table ${table}\ndelete table ${table}\n`;
}

/**
 * The whole firewall of the tunnel as one nft script, which the kernel applies at once or not at all. It replaces the
 * table that a killed gateway left behind.
 *
 * - Devices reach the internal side only, with the gateway's address there as their source.
 * - The internal side reaches devices only in answer: new connections to a device are dropped, because nobody behind
 *   the gateway should find open ports on phones.
 * - Devices do not reach each other unless `allowDeviceToDevice` says so.
 * - Of the gateway itself devices reach ping, and DNS when it is one of the configured servers.
 * - `forwardOnlyTunnel` drops all other forwarding; for hosts that forwarded nothing before this gateway
 *   needed it, which must not become routers between their networks by the way.
 */
export function firewallScript(network: TunnelNetwork, options: { forwardOnlyTunnel: boolean }): string {
  const chains = [mssChain(network), inputChain(network), forwardChain(network, options), natChain(network)];
  return `${removalScript(network.interface)}table inet ${tableName(network.interface)} {\n${chains.join('\n')}}\n`;
}

/** TCP header and the IP header before it. */
const headers = { ipv4: 20 + 20, ipv6: 40 + 20 };

function mssChain({ interface: tunnel, mtu }: TunnelNetwork): string {
  // A SYN from a device tells what may be sent to it: that goes through the tunnel again. `rt mtu` only knows the way out.
  const clamp = (direction: string, protocol: string, size: number) =>
    `${direction} "${tunnel}" meta nfproto ${protocol} tcp flags & (syn | rst) == syn tcp option maxseg size set ${size}`;
  return chain('clamp_mss', 'type filter hook forward priority mangle; policy accept;', [
    // Nearly every packet leaves here.
    'tcp flags & (syn | rst) != syn accept',
    clamp('iifname', 'ipv4', mtu - headers.ipv4),
    clamp('iifname', 'ipv6', mtu - headers.ipv6),
    clamp('oifname', 'ipv4', mtu - headers.ipv4),
    clamp('oifname', 'ipv6', mtu - headers.ipv6),
    `iifname "${tunnel}" tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu`,
  ]);
}

function inputChain(network: TunnelNetwork): string {
  const dns = (family: 'ipv4' | 'ipv6', keyword: string) => {
    const servers = network.dnsServers.filter((server) => isAddress(server, family));
    if (servers.length === 0) return [];
    return [`${keyword} daddr { ${servers.join(', ')} } meta l4proto { tcp, udp } th dport 53 accept`];
  };
  return chain('input', 'type filter hook input priority filter; policy accept;', [
    `iifname != "${network.interface}" accept`,
    ...dropForeignSources(network),
    'ct state established,related accept',
    'icmp type echo-request accept',
    'icmpv6 type echo-request accept',
    ...dns('ipv4', 'ip'),
    ...dns('ipv6', 'ip6'),
    'drop',
  ]);
}

function forwardChain(network: TunnelNetwork, { forwardOnlyTunnel }: { forwardOnlyTunnel: boolean }): string {
  const { interface: tunnel, internalInterface, allowDeviceToDevice } = network;
  return chain('forward', 'type filter hook forward priority filter; policy accept;', [
    `oifname "${tunnel}" iifname != "${tunnel}" ct state established,related accept`,
    ...acceptEstablished(network),
    `oifname "${tunnel}" iifname != "${tunnel}" drop`,
    `iifname != "${tunnel}" ip saddr ${network.ipv4.network} drop`,
    ...(network.ipv6 === undefined ? [] : [`iifname != "${tunnel}" ip6 saddr ${network.ipv6.network} drop`]),
    `iifname != "${tunnel}" ${forwardOnlyTunnel ? 'drop' : 'accept'}`,
    ...dropForeignSources(network),
    // What conntrack does not understand is not translated either, and would carry an inner address outside.
    'ct state invalid drop',
    `oifname "${tunnel}" ${allowDeviceToDevice ? 'accept' : 'drop'}`,
    ...(internalInterface === undefined ? [] : [`oifname != "${internalInterface}" drop`]),
  ]);
}

/** The short way for the packets that make up nearly all the traffic of devices; the rules below judge the others. */
function acceptEstablished({ interface: tunnel, internalInterface, ipv4, ipv6 }: TunnelNetwork): string[] {
  const out = internalInterface === undefined ? `oifname != "${tunnel}"` : `oifname "${internalInterface}"`;
  const rule = (source: string) => `iifname "${tunnel}" ${source} ct state established,related ${out} accept`;
  return [
    rule(`ip saddr ${ipv4.network}`),
    ...(ipv6 === undefined ? [] : [rule(`ip6 saddr ${ipv6.network}`)]),
  ];
}

/** The engine ties each session to its addresses; this is the second line, for the pool as a whole. */
function dropForeignSources({ interface: tunnel, ipv4, ipv6 }: TunnelNetwork): string[] {
  return [
    `iifname "${tunnel}" ip saddr != ${ipv4.network} drop`,
    ipv6 === undefined
      ? `iifname "${tunnel}" meta nfproto ipv6 drop`
      : `iifname "${tunnel}" ip6 saddr != ${ipv6.network} drop`,
  ];
}

function natChain({ interface: tunnel, internalInterface, ipv4, ipv6 }: TunnelNetwork): string {
  const out =
    internalInterface === undefined ? `oifname != { "${tunnel}", "lo" }` : `oifname "${internalInterface}"`;
  return chain('postrouting', 'type nat hook postrouting priority srcnat; policy accept;', [
    `ip saddr ${ipv4.network} ${out} masquerade`,
    ...(ipv6 === undefined ? [] : [`ip6 saddr ${ipv6.network} ${out} masquerade`]),
  ]);
}

function chain(name: string, hook: string, rules: string[]): string {
  return `  chain ${name} {\n${[hook, ...rules].map((rule) => `    ${rule}\n`).join('')}  }\n`;
}
