import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { DatabaseEngine } from '../open.ts';
import { textColumn } from './columns.ts';

/** Releases, and how they are rolled out over the servers of sites. */
export function upgrades(engine: DatabaseEngine): Migration {
  const text = textColumn(engine);
  return {
    async up(tables) {
      const { schema } = tables;
      await schema
        .createTable('releases')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('release_version', text, (column) => column.notNull().unique())
        .addColumn('published_date_time', text, (column) => column.notNull())
        .addColumn('notes', text, (column) => column.notNull())
        .addColumn('agent_image_digest', text)
        .addColumn('server_image_digest', text)
        .execute();
      await schema
        .createTable('upgrades')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('site_id', text, (column) => column.notNull().references('sites.id').onDelete('cascade'))
        .addColumn('is_current', 'integer', (column) => column.notNull())
        .addColumn('target_version', text)
        .addColumn('state', text, (column) => column.notNull())
        .addColumn('is_automatic', 'integer', (column) => column.notNull())
        .addColumn('requested_by', text)
        .addColumn('created_date_time', text, (column) => column.notNull())
        .addColumn('started_date_time', text)
        .addColumn('finished_date_time', text)
        .addColumn('reason', text)
        .execute();
      await schema
        .createIndex('upgrades_site_id')
        .on('upgrades')
        .columns(['site_id', 'created_date_time', 'id'])
        .execute();
      // Whatever goes wrong, the database lets a site have one roll-out at a time, and a roll-out one server.
      await sql`create unique index upgrades_current on upgrades (site_id) where is_current = 1`.execute(
        tables,
      );
      await schema
        .createTable('upgrade_servers')
        .addColumn('upgrade_id', text, (column) =>
          column.notNull().references('upgrades.id').onDelete('cascade'),
        )
        .addColumn('server_id', text, (column) =>
          column.notNull().references('servers.id').onDelete('cascade'),
        )
        .addColumn('state', text, (column) => column.notNull())
        .addColumn('from_version', text)
        .addColumn('started_at', text)
        .addColumn('told_at', text)
        .addColumn('came_up_at', text)
        .addColumn('healthy_since', text)
        .addColumn('finished_at', text)
        .addColumn('reason', text)
        .addColumn('unhealthy_before', text, (column) => column.notNull())
        .addColumn('report_before', text)
        .addPrimaryKeyConstraint('upgrade_servers_key', ['upgrade_id', 'server_id'])
        .execute();
      await schema
        .createIndex('upgrade_servers_server_id')
        .on('upgrade_servers')
        .column('server_id')
        .execute();
      await sql`create unique index upgrade_servers_in_progress on upgrade_servers (upgrade_id)
        where state in ('upgrading', 'verifying')`.execute(tables);
      // A request is a roll-out that waits.
      await schema.alterTable('sites').dropColumn('upgrade_requested_at').execute();
    },
  };
}
