import { type Site, siteSchema, siteWarnings } from '@culvert/contracts';
import { sql } from 'kysely';
import type { z } from 'zod';
import type { GraphObject } from '../graph/conversion.ts';
import { show } from '../graph/read.ts';
import type { Resource } from '../graph/resource.ts';
import { inScope, readPermission, tunnelAccess } from '../graph/scope.ts';
import { EntityStore } from '../graph/store.ts';
import { ApiError } from '../http/errors.ts';
import { serverConfigurations } from '../server-configurations/entity.ts';
import { serverConfigurationResource } from '../server-configurations/resource.ts';
import { resolveReference, splitReference } from './configuration-reference.ts';
import { sites } from './entity.ts';
import { expandServers } from './expanded-servers.ts';
import { offsetMinutes } from './upgrade-window.ts';

/** Sites: each has a configuration, and none can go while it has servers. */
export const siteResource: Resource = {
  set: sites,
  access: tunnelAccess,
  isScoped: true,
  title: 'site',
  schema: siteSchema as unknown as z.ZodType<GraphObject>,
  readOnly: ['id', 'upgradeAvailable'],
  documentation: {
    example: {
      displayName: 'Tokyo',
      publicAddress: 'vpn.example.com',
      upgradeWindowStartTime: '22:00:00',
      upgradeWindowEndTime: '04:00:00',
      upgradeWindowTimeZone: 'Asia/Tokyo',
      microsoftTunnelConfiguration: { id: '019ab000-0000-7000-8000-000000000000' },
    },
    further: {
      microsoftTunnelConfiguration: {
        type: ['object', 'null'],
        properties: { id: { type: 'string' } },
        description:
          'The configuration of the site by its identifier; or `microsoftTunnelConfiguration@odata.bind` with its address',
      },
      microsoftTunnelServers: { readOnly: true },
    },
  },
  split: splitReference,
  columns: async (change, references, row) => {
    const own = row === undefined ? { upgrade_available: 0 } : {};
    if (row !== undefined && !Object.hasOwn(references, 'id')) return { ok: true, value: own };
    const resolved = await resolveReference(change, references.id);
    return resolved.ok
      ? { ok: true, value: { ...own, server_configuration_id: resolved.id } }
      : { ok: false, problems: [resolved.problem] };
  },
  derive: (now) => {
    const offsets = new Map<string, number>();
    return (shown) => {
      const { upgradeWindowTimeZone: zone } = shown;
      if (typeof zone !== 'string') return shown;
      const offset = offsets.get(zone) ?? offsetMinutes(zone, now);
      offsets.set(zone, offset);
      shown.upgradeWindowUtcOffsetInMinutes = offset;
      return shown;
    };
  },
  warnings: (written) =>
    siteWarnings({ publicAddress: String(written.publicAddress ?? '') } as Pick<Site, 'publicAddress'>),
  requireUnused: async ({ tables }, { id }) => {
    const members = await tables
      .selectFrom('servers')
      .select(['display_name', 'id'])
      .where('site_id', '=', id)
      .orderBy('display_name')
      .limit(20)
      .execute();
    if (members.length === 0) return;
    throw new ApiError('Conflict', 'the site still has servers: uninstall or delete them first', {
      details: members.map(({ display_name, id: server }) => ({
        path: `microsoftTunnelServers/${server}`,
        message: String(display_name),
      })),
    });
  },
  expand: async (context, caller, names, rows) => {
    const { tables, engine } = context.database;
    const scope = inScope(engine, caller, readPermission);
    const among = (column: string, values: readonly unknown[]) =>
      sql<boolean>`${sql.ref(column)} in (${sql.join(values.map((value) => sql`${value}`))})`;
    const expanded = new Map<string, GraphObject>(rows.map(({ id }) => [id, {}]));
    if (rows.length === 0) return expanded;
    if (names.includes('microsoftTunnelConfiguration')) {
      const wanted = among('id', [...new Set(rows.map((row) => row.server_configuration_id))]);
      const found = await new EntityStore(tables, engine, serverConfigurations).all(
        sql`${wanted} and ${scope}`,
      );
      const byId = new Map(
        found.map((row) => [row.id, show(serverConfigurationResource, row, context.now())]),
      );
      for (const row of rows) {
        Object.assign(expanded.get(row.id) ?? {}, {
          microsoftTunnelConfiguration: byId.get(String(row.server_configuration_id)) ?? null,
        });
      }
    }
    if (names.includes('microsoftTunnelServers')) {
      const members = await expandServers(
        context,
        rows.map(({ id }) => id),
      );
      for (const { id } of rows) Object.assign(expanded.get(id) ?? {}, members.get(id));
    }
    return expanded;
  },
};
