import ipaddr from 'ipaddr.js';

/** A network as a number. */
export interface Network {
  base: bigint;
  hostBits: number;
  family: 'ipv4' | 'ipv6';
}

/** Reads a CIDR network that has been validated before. */
export function parseNetwork(cidr: string): Network {
  const [address, length] = ipaddr.parseCIDR(cidr);
  const base = address.toByteArray().reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
  const ipv4 = address.kind() === 'ipv4';
  return { base, hostBits: (ipv4 ? 32 : 128) - length, family: ipv4 ? 'ipv4' : 'ipv6' };
}

/** `10.70.0.2` */
export function formatIpv4(value: number): string {
  return `${(value >>> 24) & 255}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

/** The canonical form of RFC 5952, `fd70::2`. */
export function formatIpv6(value: bigint): string {
  const groups: number[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(Number((value >> shift) & 0xffffn));
  return new ipaddr.IPv6(groups).toRFC5952String();
}

/** `10.0.0.0/8` as `10.0.0.0/255.0.0.0`, the form that Cisco clients want. */
export function netmaskForm(ipv4Cidr: string): string {
  const [address, length] = ipv4Cidr.split('/');
  const mask = ipaddr.IPv4.subnetMaskFromPrefixLength(Number(length));
  return `${address}/${mask}`;
}

/**
 * What counts as one origin of sign-ins: an IPv4 address, or the first 64 bits of an IPv6 address,
 * because one subscriber has at least those.
 */
export function originOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  const groups = (parsed as ipaddr.IPv6).parts.map((part, index) => (index < 4 ? part : 0));
  return `${new ipaddr.IPv6(groups).toRFC5952String()}/64`;
}

/** One spelling for each address; IPv4 inside IPv6 becomes IPv4. */
export function canonicalAddress(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  return parsed.kind() === 'ipv4' ? parsed.toString() : (parsed as ipaddr.IPv6).toRFC5952String();
}
