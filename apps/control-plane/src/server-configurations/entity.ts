import { type EntitySet, graphBase } from '../graph/entity-set.ts';
import type { StoredRow } from '../graph/tables.ts';

export interface ServerConfigurationTables {
  server_configurations: StoredRow;
}

/** `microsoftTunnelConfiguration` (Graph beta). */
export const serverConfigurations = {
  table: 'server_configurations',
  base: graphBase,
  path: 'microsoftTunnelConfigurations',
  entity: {
    name: 'microsoftTunnelConfiguration',
    fields: {
      id: { type: 'string', column: 'id', isExact: true },
      displayName: { type: 'string', column: 'display_name' },
      description: { type: 'string', column: 'description' },
      network: { type: 'string', column: 'network' },
      ipv6Network: { type: 'string', column: 'ipv6_network', isNullable: true },
      listenPort: { type: 'int32', column: 'listen_port' },
      dnsServers: { type: 'stringCollection', column: 'dns_servers' },
      defaultDomainSuffix: { type: 'string', column: 'default_domain_suffix', isNullable: true },
      splitDNS: { type: 'stringCollection', column: 'split_dns' },
      routeIncludes: { type: 'stringCollection', column: 'route_includes' },
      routeExcludes: { type: 'stringCollection', column: 'route_excludes' },
      disableUdpConnections: { type: 'boolean', column: 'disable_udp_connections' },
      advancedSettings: { type: 'complexCollection', column: 'advanced_settings' },
      roleScopeTagIds: { type: 'stringCollection', column: 'role_scope_tag_ids' },
      lastUpdateDateTime: { type: 'dateTimeOffset', column: 'last_update_date_time' },
    },
    navigation: {},
  },
} as const satisfies EntitySet;
