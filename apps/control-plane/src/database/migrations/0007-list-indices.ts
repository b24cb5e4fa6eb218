import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Indices for the orders in which lists are read, each with the identifier that ends every order. */
export function listIndices(): Migration {
  return {
    async up(tables) {
      const { schema } = tables;
      await schema.createIndex('sites_display_name').on('sites').columns(['display_name', 'id']).execute();
      await schema
        .createIndex('server_configurations_display_name')
        .on('server_configurations')
        .columns(['display_name', 'id'])
        .execute();
      await schema
        .createIndex('servers_display_name')
        .on('servers')
        .columns(['site_id', 'display_name', 'id'])
        .execute();
      // Nulls are the least of all in our orders, so the order is by this expression.
      await sql`create index servers_last_checkin on servers (site_id, (coalesce(last_checkin_date_time, '')), id)`.execute(
        tables,
      );
      await sql`create index servers_health
        on servers (site_id, tunnel_server_health_status, (coalesce(last_checkin_date_time, '')), id)`.execute(
        tables,
      );
    },
  };
}
