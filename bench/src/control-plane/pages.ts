import type { Walk } from './load.ts';

const base = '/graph/beta/deviceManagement';

/** Lists that administrators look at, each with a name for the table. */
export function listPages(largeSites: readonly string[]): Record<string, Walk> {
  const turn = <Item>(items: readonly Item[]) => {
    let place = 0;
    return (): Item => items[place++ % items.length] as Item;
  };
  const same =
    (path: string): Walk =>
    () =>
    () =>
      `${base}/${path}`;
  const servers =
    (query: string): Walk =>
    () => {
      const site = turn(largeSites);
      return () => `${base}/microsoftTunnelSites/${site()}/microsoftTunnelServers?${query}`;
    };
  const pages: Record<string, Walk> = {
    'sites, first page': same('microsoftTunnelSites?$top=100'),
    'sites, filtered and ordered': same(
      "microsoftTunnelSites?$top=100&$filter=contains(displayName,'1')&$orderby=displayName%20desc".replaceAll(
        ' ',
        '%20',
      ),
    ),
    'sites, all by nextLink': following(`${base}/microsoftTunnelSites?$top=100&$orderby=displayName`),
    'servers, first page': servers('$top=100'),
    'servers, filtered and ordered': servers(
      "$top=100&$filter=tunnelServerHealthStatus%20eq%20'healthy'&$orderby=lastCheckinDateTime%20desc",
    ),
    'servers, all by nextLink': following(
      `${base}/microsoftTunnelSites/${largeSites[0]}/microsoftTunnelServers?$top=100&$orderby=displayName`,
    ),
  };
  return { ...pages, 'all of these in turn': mixed(Object.values(pages)) };
}

/** From the first page to the last by their links, and again. */
function following(first: string): Walk {
  return () => (previous) => {
    if (previous === undefined) return first;
    // The link is behind the objects.
    const tail = previous.subarray(-2_000).toString();
    const [, link] = /"@odata\.nextLink":"([^"]+)"/.exec(tail) ?? [];
    if (link === undefined) return first;
    const { pathname, search } = new URL(link);
    return `${pathname}${search}`;
  };
}

function mixed(walks: readonly Walk[]): Walk {
  return () => {
    const steps = walks.map((walk) => ({ next: walk(), previous: undefined as Buffer | undefined }));
    let place = -1;
    return (previous) => {
      const before = steps[place];
      if (before !== undefined) before.previous = previous;
      place = (place + 1) % steps.length;
      const step = steps[place];
      return step?.next(step.previous) ?? '';
    };
  };
}
