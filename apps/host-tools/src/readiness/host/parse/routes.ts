import { addressOf } from './sockets.ts';

/** A route of the host: a network in CIDR form through an interface. */
export type Route = Readonly<{ network: string; device: string }>;

/** IPv4 routes of `/proc/net/route` without the default route, which would overlap everything. */
export function parseRoutes(text: string): Route[] {
  return text.split('\n').flatMap((line) => {
    const [device, destination, , , , , , mask] = line.trim().split(/\s+/);
    if (device === undefined || !isWord(destination) || !isWord(mask)) return [];
    const prefix = prefixLength(mask);
    return prefix === 0 ? [] : [{ network: `${addressOf(destination)}/${prefix}`, device }];
  });
}

function isWord(text: string | undefined): text is string {
  return text !== undefined && /^[0-9A-F]{8}$/i.test(text);
}

function prefixLength(mask: string): number {
  return Number.parseInt(mask, 16).toString(2).replaceAll('0', '').length;
}
