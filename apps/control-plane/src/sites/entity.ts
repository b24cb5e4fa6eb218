import { type EntitySet, graphBase } from '../graph/entity-set.ts';
import type { StoredRow } from '../graph/tables.ts';

export interface SiteTables {
  sites: StoredRow;
}

/** `microsoftTunnelSite` (Graph beta), with a time zone of our own. */
export const sites = {
  table: 'sites',
  base: graphBase,
  path: 'microsoftTunnelSites',
  entity: {
    name: 'microsoftTunnelSite',
    fields: {
      id: { type: 'string', column: 'id', isExact: true },
      displayName: { type: 'string', column: 'display_name' },
      description: { type: 'string', column: 'description' },
      publicAddress: { type: 'string', column: 'public_address' },
      upgradeWindowUtcOffsetInMinutes: {
        type: 'int32',
        column: 'upgrade_window_utc_offset_in_minutes',
        isNullable: true,
        // With a time zone it depends on the day.
        isQueryable: false,
      },
      upgradeWindowStartTime: { type: 'timeOfDay', column: 'upgrade_window_start_time', isNullable: true },
      upgradeWindowEndTime: { type: 'timeOfDay', column: 'upgrade_window_end_time', isNullable: true },
      upgradeWindowTimeZone: { type: 'string', column: 'upgrade_window_time_zone', isNullable: true },
      upgradeAutomatically: { type: 'boolean', column: 'upgrade_automatically' },
      upgradeAvailable: { type: 'boolean', column: 'upgrade_available' },
      internalNetworkProbeUrl: { type: 'string', column: 'internal_network_probe_url', isNullable: true },
      roleScopeTagIds: { type: 'stringCollection', column: 'role_scope_tag_ids' },
    },
    navigation: {
      microsoftTunnelConfiguration: { isCollection: false },
      microsoftTunnelServers: { isCollection: true },
    },
  },
} as const satisfies EntitySet;
