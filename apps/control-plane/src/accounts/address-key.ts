import ipaddr from 'ipaddr.js';

/** Bits of an IPv6 address that name a subscriber; the others change at will (RFC 8981). */
const subscriberBits = 64;

/** Whatever is no address is counted together, so that nobody gets around a limit by what a proxy passes on of them. */
export const noAddress = 'no address';

/** What counts as one address: an IPv4 address, or the /64 of an IPv6 address. Some proxies write the port behind it. */
export function addressKeyOf(address: string): string {
  const plain = withoutPort(address);
  if (!ipaddr.isValid(plain)) return noAddress;
  const parsed = ipaddr.process(plain);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toNormalizedString()}/${subscriberBits}`)}/${subscriberBits}`;
}

/** The address of `192.0.2.7:4711`, `[2001:db8::1]:4711` or `[2001:db8::1]` (RFC 7239 §6). */
function withoutPort(address: string): string {
  const [, inBrackets, beforePort] = /^(?:\[([^\]]+)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/.exec(address) ?? [];
  return inBrackets ?? beforePort ?? address;
}
