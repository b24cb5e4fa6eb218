import { isAddress, networkContains, networksOverlap } from '@culvert/contracts';
import { WrongUse } from '../../program/failure.ts';
import type { Localized } from '../../program/language.ts';
import { networkOf } from '../../readiness/host/parse/container-networks.ts';

/** The network of a bridge and the address of the host in it. */
export interface BridgeNetwork {
  /** In CIDR form: `192.168.128.0/24`. */
  network: string;
  /** `192.168.128.1` */
  gateway: string;
}

/** The networks of RFC 1918, RFC 6598 and RFC 3927: others belong to somebody. */
const privateNetworks = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16'];

/**
 * Reads the network of a bridge: `192.168.128.0/24`, or with the host's own address, `192.168.128.1/24`. Throws a WrongUse.
 */
export function readBridgeNetwork(text: string): BridgeNetwork {
  const network = networkOf(text);
  const [address = '', length = ''] = text.split('/');
  const prefix = Number(length);
  const isPrivate = network !== undefined && privateNetworks.some((wide) => networkContains(wide, address));
  if (network === undefined || !isAddress(address, 'ipv4') || !isPrivate || prefix < 12 || prefix > 28) {
    throw new WrongUse({
      en: `expected a private IPv4 network from /12 to /28 that nobody uses, such as 192.168.128.0/24; found "${text}"`,
      ja: `未使用のプライベート IPv4 ネットワークを /12 から /28 の範囲で指定してください (例: 192.168.128.0/24、指定値: ${text})`,
    });
  }
  const base = network.split('/')[0] ?? '';
  return { network, gateway: address === base ? firstHost(base) : address };
}

/** The base of a network of 28 bits or less ends in an even number, so this never carries. */
const firstHost = (base: string) => base.replace(/\d+$/, (last) => String(Number(last) + 1));

/** A network of this server that the bridge must not share addresses with. */
export interface UsedNetwork {
  network: string;
  by: Localized;
}

/** The networks of a server that share addresses with the one for the bridge. */
export function overlapsOf({ network }: BridgeNetwork, used: readonly UsedNetwork[]): UsedNetwork[] {
  return used.filter((other) => networksOverlap(network, other.network));
}
