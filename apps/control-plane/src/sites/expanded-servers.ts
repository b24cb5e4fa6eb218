import type { Context } from '../context.ts';
import { type GraphObject, present } from '../graph/conversion.ts';
import { objectUrl } from '../graph/read.ts';
import { EntityStore } from '../graph/store.ts';
import { formatCursor } from '../odata/cursor.ts';
import { servers } from '../servers/entity.ts';
import { sites } from './entity.ts';

/** Servers of one site that $expand shows. */
export const mostExpandedServers = 100;

/**
 * The servers of each of these sites, in the order of identifiers. Where a site has more than are shown, a link leads to the
 * rest (OData JSON Format 4.01, §4.5.5).
 */
export async function expandServers(
  context: Context,
  siteIds: readonly string[],
): Promise<Map<string, GraphObject>> {
  const { tables, engine } = context.database;
  const store = new EntityStore(tables, engine, servers);
  // One more of each tells whether there is a rest.
  const found = await store.firstOfEach('site_id', siteIds, mostExpandedServers + 1);
  const members = Map.groupBy(found, ({ site_id }) => String(site_id));
  return new Map(
    siteIds.map((siteId) => {
      const rows = members.get(siteId) ?? [];
      const shown = rows.slice(0, mostExpandedServers);
      const microsoftTunnelServers = shown.map((row) => present(servers.entity, row));
      const last = shown.at(-1);
      if (last === undefined || rows.length === shown.length) return [siteId, { microsoftTunnelServers }];
      const rest = `${objectUrl(context, sites, siteId)}/${servers.path}?$skiptoken=${formatCursor([last.id])}`;
      return [siteId, { microsoftTunnelServers, 'microsoftTunnelServers@odata.nextLink': rest }];
    }),
  );
}
