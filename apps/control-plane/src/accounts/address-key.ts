import ipaddr from 'ipaddr.js';

/** Bits of an IPv6 address that name a subscriber; the others change at will (RFC 8981). */
const subscriberBits = 64;

/** What counts as one address: an IPv4 address, or the /64 of an IPv6 address. */
export function addressKeyOf(address: string): string {
  if (!ipaddr.isValid(address)) return address.slice(0, 100);
  const parsed = ipaddr.process(address);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toNormalizedString()}/${subscriberBits}`)}/${subscriberBits}`;
}
