import { networksOverlap } from '@culvert/contracts';

/** Private /16 networks that few companies use, in the order of preference; a /16 holds 65,000 devices. */
const candidates = [
  ...Array.from({ length: 30 }, (_, index) => `10.${70 + index}.0.0/16`),
  ...Array.from({ length: 12 }, (_, index) => `172.${20 + index}.0.0/16`),
];

/** A pool for devices that overlaps nothing this host knows a way to; undefined when every candidate does. */
export function chooseFreeNetwork(known: string[]): string | undefined {
  return candidates.find((candidate) => !known.some((network) => networksOverlap(candidate, network)));
}

/**
 * Networks of `ip -json route show`: the destinations of every route but the default one. A single address counts
 * as a network of its own.
 */
export function networksOfRoutes(json: string): string[] {
  const routes: unknown = JSON.parse(json);
  if (!Array.isArray(routes)) return [];
  return routes.flatMap((route: unknown) => {
    if (typeof route !== 'object' || route === null || !('dst' in route)) return [];
    const { dst } = route;
    if (typeof dst !== 'string' || dst === 'default') return [];
    return [dst.includes('/') ? dst : `${dst}/32`];
  });
}
