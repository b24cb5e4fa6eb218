import ipaddr from 'ipaddr.js';
import { z } from 'zod';

type Family = 'ipv4' | 'ipv6';

/** A network in CIDR form whose host bits are zero, for example `10.70.0.0/16` or `fd70::/112`. */
export type Cidr = string;

/** True for an address without prefix length; `family` limits it to one family. */
export function isAddress(text: string, family?: Family): boolean {
  // ipaddr.js also takes octal, hexadecimal and shortened forms, which administrators never mean.
  const canonicalIpv4 = /^\d{1,3}(\.\d{1,3}){3}$/.test(text) && ipaddr.IPv4.isValidFourPartDecimal(text);
  const ipv6 = text.includes(':') && !text.includes('%') && ipaddr.IPv6.isValid(text);
  if (family === 'ipv4') return canonicalIpv4;
  if (family === 'ipv6') return ipv6;
  return canonicalIpv4 || ipv6;
}

/** Why `text` is not a CIDR network, or undefined when it is one. */
export function explainCidr(text: string, family?: Family): string | undefined {
  const [address, prefix, ...rest] = text.split('/');
  if (address === undefined || prefix === undefined || rest.length > 0 || !/^\d{1,3}$/.test(prefix)) {
    return `expected a network such as ${family === 'ipv6' ? 'fd70::/112' : '10.70.0.0/16'}`;
  }
  if (!isAddress(address, family)) {
    return `"${address}" is not an ${family === 'ipv6' ? 'IPv6' : family === 'ipv4' ? 'IPv4' : 'IP'} address`;
  }
  const parsed = ipaddr.parse(address);
  const bits = parsed.kind() === 'ipv4' ? 32 : 128;
  const length = Number(prefix);
  if (length > bits) return `the prefix length must be between 0 and ${bits}`;
  const network = networkAddress(parsed.toByteArray(), length);
  const canonical = ipaddr.fromByteArray(network).toString();
  if (canonical !== parsed.toString()) {
    return `the host bits must be zero: write ${canonical}/${length}`;
  }
  return undefined;
}

function networkAddress(bytes: number[], prefixLength: number): number[] {
  return bytes.map((byte, index) => {
    const keep = Math.min(8, Math.max(0, prefixLength - index * 8));
    return byte & (0xff << (8 - keep)) & 0xff;
  });
}

/** A schema for a CIDR network; its message says what to write instead. */
export function cidr(family?: Family) {
  return z.string().check((context) => {
    const problem = explainCidr(context.value, family);
    if (problem !== undefined) {
      context.issues.push({ code: 'custom', message: problem, input: context.value });
    }
  });
}

/** A schema for an IP address without prefix length. */
export function address(family?: Family) {
  const wanted = family === 'ipv4' ? 'an IPv4' : family === 'ipv6' ? 'an IPv6' : 'an IPv4 or IPv6';
  return z
    .string()
    .refine((text) => isAddress(text, family), { error: `expected ${wanted} address, such as 10.60.0.53` });
}

/** True when two CIDR networks of the same family share at least one address. */
export function networksOverlap(left: Cidr, right: Cidr): boolean {
  const [leftAddress, leftLength] = ipaddr.parseCIDR(left);
  const [rightAddress, rightLength] = ipaddr.parseCIDR(right);
  if (leftAddress.kind() !== rightAddress.kind()) return false;
  return leftLength <= rightLength
    ? rightAddress.match(leftAddress, leftLength)
    : leftAddress.match(rightAddress, rightLength);
}

/** True when the network holds the address; networks of another family never do. */
export function networkContains(network: Cidr, text: string): boolean {
  const [base, length] = ipaddr.parseCIDR(network);
  const candidate = ipaddr.parse(text);
  return candidate.kind() === base.kind() && candidate.match(base, length);
}
