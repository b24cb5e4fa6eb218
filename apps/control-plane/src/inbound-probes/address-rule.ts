import ipaddr from 'ipaddr.js';

/** Ranges of ipaddr.js that a caller with an address like that may have probed. */
const privateRanges = ['private', 'uniqueLocal', 'carrierGradeNat'];

/**
 * Why the control plane does not connect to an address for a caller; undefined when it does. Nobody may have it look around in its own
 * network: public addresses only, and private ones for callers whose own connection comes from one. Never loopback, link-local (the
 * metadata services of clouds are there), multicast or any other special address.
 */
export function explainForbidden(target: string, caller: string): string | undefined {
  if (!ipaddr.isValid(target)) return 'is no IP address';
  const range = rangeOf(target);
  if (range === 'unicast') return undefined;
  if (!privateRanges.includes(range)) {
    return `is of a special range (${range}); the control plane connects back only to ordinary addresses`;
  }
  if (ipaddr.isValid(caller) && [...privateRanges, 'loopback'].includes(rangeOf(caller))) return undefined;
  return 'is private, and you connect from a public address; only callers of a private network may have private addresses probed';
}

/**
 * The range of an address. IPv4 that is written as IPv6 counts as what it is; translated and tunnelled addresses (64:ff9b::, 2002::) keep
 * ranges of their own, because nobody has looked at the IPv4 address inside.
 */
function rangeOf(text: string): string {
  return ipaddr.process(text).range();
}
