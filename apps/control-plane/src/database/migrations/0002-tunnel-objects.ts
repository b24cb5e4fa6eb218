import type { Migration } from 'kysely/migration';
import type { DatabaseEngine } from '../open.ts';
import { textColumn } from './columns.ts';

export function tunnelObjects(engine: DatabaseEngine): Migration {
  const text = textColumn(engine);
  return {
    async up({ schema }) {
      await schema
        .createTable('server_configurations')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('display_name', text, (column) => column.notNull())
        .addColumn('description', text, (column) => column.notNull())
        .addColumn('network', text, (column) => column.notNull())
        .addColumn('ipv6_network', text)
        .addColumn('listen_port', 'integer', (column) => column.notNull())
        .addColumn('dns_servers', text, (column) => column.notNull())
        .addColumn('default_domain_suffix', text)
        .addColumn('split_dns', text, (column) => column.notNull())
        .addColumn('route_includes', text, (column) => column.notNull())
        .addColumn('route_excludes', text, (column) => column.notNull())
        .addColumn('disable_udp_connections', 'integer', (column) => column.notNull())
        .addColumn('advanced_settings', text, (column) => column.notNull())
        .addColumn('role_scope_tag_ids', text, (column) => column.notNull())
        .addColumn('last_update_date_time', text, (column) => column.notNull())
        .execute();
      await schema
        .createTable('sites')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('display_name', text, (column) => column.notNull())
        .addColumn('description', text, (column) => column.notNull())
        .addColumn('public_address', text, (column) => column.notNull())
        .addColumn('upgrade_window_utc_offset_in_minutes', 'integer')
        .addColumn('upgrade_window_start_time', text)
        .addColumn('upgrade_window_end_time', text)
        .addColumn('upgrade_window_time_zone', text)
        .addColumn('upgrade_automatically', 'integer', (column) => column.notNull())
        .addColumn('upgrade_available', 'integer', (column) => column.notNull())
        .addColumn('upgrade_requested_at', text)
        .addColumn('internal_network_probe_url', text)
        .addColumn('role_scope_tag_ids', text, (column) => column.notNull())
        .addColumn('server_configuration_id', text, (column) =>
          column.notNull().references('server_configurations.id'),
        )
        .execute();
      await schema
        .createIndex('sites_server_configuration_id')
        .on('sites')
        .column('server_configuration_id')
        .execute();
      await schema
        .createTable('servers')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('site_id', text, (column) => column.notNull().references('sites.id'))
        .addColumn('display_name', text, (column) => column.notNull())
        .addColumn('tunnel_server_health_status', text, (column) => column.notNull())
        .addColumn('last_checkin_date_time', text)
        .addColumn('agent_image_digest', text)
        .addColumn('server_image_digest', text)
        .addColumn('deployment_mode', text, (column) => column.notNull())
        .execute();
      await schema.createIndex('servers_site_id').on('servers').columns(['site_id', 'id']).execute();
      await schema
        .createTable('health_thresholds')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('healthy_threshold', 'bigint', (column) => column.notNull())
        .addColumn('unhealthy_threshold', 'bigint', (column) => column.notNull())
        .execute();
      await schema
        .createTable('server_log_collections')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('server_id', text, (column) =>
          column.notNull().references('servers.id').onDelete('cascade'),
        )
        .addColumn('status', text, (column) => column.notNull())
        .addColumn('start_date_time', text, (column) => column.notNull())
        .addColumn('end_date_time', text, (column) => column.notNull())
        .addColumn('size_in_bytes', 'bigint')
        .addColumn('request_date_time', text, (column) => column.notNull())
        .addColumn('expiry_date_time', text)
        .addColumn('file', text)
        .execute();
      await schema
        .createIndex('server_log_collections_server_id')
        .on('server_log_collections')
        .column('server_id')
        .execute();
      await schema
        .createTable('server_health_metrics')
        .addColumn('server_id', text, (column) =>
          column.notNull().references('servers.id').onDelete('cascade'),
        )
        .addColumn('metric', text, (column) => column.notNull())
        .addColumn('at', text, (column) => column.notNull())
        .addColumn('value', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('server_health_metrics_key', ['server_id', 'metric', 'at'])
        .execute();
    },
  };
}
