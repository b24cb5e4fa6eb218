import type { StandaloneConfiguration, TunnelSettings } from '@culvert/contracts';
import ipaddr from 'ipaddr.js';

/** What the host's network has to know of the tunnel. */
export interface TunnelNetwork {
  interface: string;
  ipv4: { network: string; gateway: string };
  ipv6?: { network: string; gateway: string };
  /** Bytes of the largest inner packet. */
  mtu: number;
  /** Only this interface is reachable from devices; undefined means every one. */
  internalInterface: string | undefined;
  allowDeviceToDevice: boolean;
  /** Devices may ask these for names when they run on the gateway itself. */
  dnsServers: string[];
}

/** What every Ethernet carries. */
const defaultLinkMtu = 1500;

/**
 * DTLS 1.2 with AES-GCM over UDP over IPv4: IP 20, UDP 8, record header 13, explicit nonce 8, tag 16, type 1.
 * Devices on IPv6 get 20 bytes less with their session; the tunnel interface takes the larger.
 */
export const tunnelOverhead = 20 + 8 + 13 + 8 + 16 + 1;

/** RFC 8200 §5: a link that carries IPv6 has at least this MTU. */
const minimumIpv6Mtu = 1280;

/** Reads from a configuration what the host's network needs. */
export function tunnelNetwork(standalone: StandaloneConfiguration, settings: TunnelSettings): TunnelNetwork {
  const { network, ipv6Network, dnsServers } = standalone.serverConfiguration;
  const mtu = (settings.maximumTransmissionUnit ?? defaultLinkMtu) - tunnelOverhead;
  return {
    interface: standalone.tunnelInterface,
    ipv4: { network, gateway: firstHost(network) },
    ...(ipv6Network === undefined ? {} : { ipv6: { network: ipv6Network, gateway: firstHost(ipv6Network) } }),
    // The kernel takes IPv6 away from an interface with less; a session may still have a smaller MTU of its own.
    mtu: ipv6Network === undefined ? mtu : Math.max(mtu, minimumIpv6Mtu),
    internalInterface: standalone.internalInterface,
    allowDeviceToDevice: standalone.allowDeviceToDevice,
    dnsServers,
  };
}

/** The first address after the network address, which is the gateway's own: `10.70.0.0/16` → `10.70.0.1`. */
export function firstHost(network: string): string {
  const [base] = ipaddr.parseCIDR(network);
  const bytes = base.toByteArray();
  // The last byte of a network of 30 or 126 bits and less is even, so this never carries.
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) + 1;
  return ipaddr.fromByteArray(bytes).toString();
}
