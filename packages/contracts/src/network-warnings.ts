import type { Finding } from './findings/finding.ts';
import { networkContains, networksOverlap } from './networks.ts';
import type { ServerConfiguration } from './server-configuration.ts';

/** Bridges that Docker and Podman make on a host unless told otherwise. */
const bridges = [
  { owner: 'Docker', network: '172.17.0.0/16' },
  { owner: 'Podman', network: '10.88.0.0/16' },
];

/** Top-level domains that exist only inside of a network; `.local` belongs to multicast DNS. */
const localTopLevels = new Set([
  'local',
  'localdomain',
  'localhost',
  'lan',
  'home',
  'corp',
  'internal',
  'intranet',
  'private',
  'workgroup',
  'domain',
]);

/** Settings that are allowed and yet rarely meant. Paths are those of the configuration's own fields. */
export function networkWarnings(configuration: ServerConfiguration): Finding[] {
  return [...poolWarnings(configuration), ...routeWarnings(configuration), ...nameWarnings(configuration)];
}

function poolWarnings({ network, ipv6Network, dnsServers, routeIncludes }: ServerConfiguration): Finding[] {
  const warnings: Finding[] = [];
  for (const { owner, network: bridge } of bridges) {
    if (networksOverlap(network, bridge)) {
      warnings.push({
        path: 'network',
        message: `${network} overlaps ${bridge}, the default bridge of ${owner}: on a host with ${owner}, devices would not get their packets`,
      });
    }
  }
  const pools = [
    { path: 'network', pool: network },
    ...(ipv6Network === undefined ? [] : [{ path: 'ipv6Network', pool: ipv6Network }]),
  ];
  for (const { path, pool } of pools) {
    for (const server of dnsServers.filter((address) => networkContains(pool, address))) {
      warnings.push({
        path,
        message: `the DNS server ${server} is inside of the pool ${pool}: devices would not reach it`,
      });
    }
    for (const include of routeIncludes.filter((route) => networksOverlap(pool, route))) {
      warnings.push({
        path,
        message: `the pool ${pool} overlaps the include route ${include}: addresses there would mean devices, not the internal network`,
      });
    }
  }
  return warnings;
}

function routeWarnings({
  ipv6Network,
  dnsServers,
  routeIncludes,
  routeExcludes,
}: ServerConfiguration): Finding[] {
  const warnings: Finding[] = [];
  for (const [index, server] of dnsServers.entries()) {
    const path = `dnsServers[${index}]`;
    if (server.includes(':') && ipv6Network === undefined) {
      warnings.push({ path, message: `${server} is an IPv6 address, and devices get none: set ipv6Network` });
    } else if (routeIncludes.length > 0 && !routeIncludes.some((route) => networkContains(route, server))) {
      warnings.push({
        path,
        message: `${server} is not inside of any include route: devices would ask it outside of the tunnel; add ${server}/${server.includes(':') ? 128 : 32} to routeIncludes`,
      });
    }
    if (routeExcludes.some((route) => networkContains(route, server))) {
      warnings.push({
        path,
        message: `${server} is inside of an exclude route: devices would ask it outside of the tunnel`,
      });
    }
  }
  for (const [index, route] of routeIncludes.entries()) {
    if (route.includes(':') && ipv6Network === undefined) {
      warnings.push({
        path: `routeIncludes[${index}]`,
        message: `${route} is an IPv6 network, and devices get no IPv6 address: set ipv6Network`,
      });
    }
    if (routeExcludes.includes(route)) {
      warnings.push({
        path: `routeIncludes[${index}]`,
        message: `${route} is also an exclude route: it is not reachable through the tunnel`,
      });
    }
  }
  return warnings;
}

function nameWarnings({
  dnsServers,
  defaultDomainSuffix,
  splitDNS,
  routeIncludes,
}: ServerConfiguration): Finding[] {
  const warnings: Finding[] = [];
  const names = [
    ...(defaultDomainSuffix === undefined
      ? []
      : [{ path: 'defaultDomainSuffix', name: defaultDomainSuffix }]),
    ...splitDNS.map((name, index) => ({ path: `splitDNS[${index}]`, name })),
  ];
  for (const { path, name } of names) {
    const top = name.split('.').at(-1)?.toLowerCase() ?? '';
    if (localTopLevels.has(top) || top === name.toLowerCase()) {
      warnings.push({
        path,
        message: `${name} has the local top-level domain .${top}: per-app VPN does not support it; use a name below a domain that you own`,
      });
    }
  }
  if (dnsServers.length > 0) return warnings;
  if (splitDNS.length > 0) {
    warnings.push({ path: 'splitDNS', message: 'has no effect without dnsServers' });
  } else if (routeIncludes.length === 0) {
    warnings.push({
      path: 'dnsServers',
      message:
        'empty while everything goes through the tunnel: devices keep asking the DNS servers of the network that they are in',
    });
  }
  return warnings;
}
