import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { DatabaseEngine } from '../open.ts';
import { textColumn } from './columns.ts';

/** The health of servers over time, and whom to tell when it changes. */
export function health(engine: DatabaseEngine): Migration {
  const text = textColumn(engine);
  return {
    async up(tables) {
      const { schema } = tables;
      await schema
        .createTable('server_health_states')
        .addColumn('server_id', text, (column) =>
          column.primaryKey().references('servers.id').onDelete('cascade'),
        )
        .addColumn('status', text, (column) => column.notNull())
        .addColumn('since', text, (column) => column.notNull())
        .addColumn('causes', text, (column) => column.notNull())
        .addColumn('metric_states', text, (column) => column.notNull())
        .addColumn('acknowledged_upgrade', text)
        .execute();
      await schema
        .createTable('server_health_changes')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('server_id', text, (column) =>
          column.notNull().references('servers.id').onDelete('cascade'),
        )
        .addColumn('at', text, (column) => column.notNull())
        .addColumn('from_status', text, (column) => column.notNull())
        .addColumn('to_status', text, (column) => column.notNull())
        .addColumn('causes', text, (column) => column.notNull())
        .execute();
      await schema
        .createIndex('server_health_changes_server_id')
        .on('server_health_changes')
        .column('server_id')
        .execute();
      await schema
        .createTable('server_health_rollups')
        .addColumn('server_id', text, (column) =>
          column.notNull().references('servers.id').onDelete('cascade'),
        )
        .addColumn('resolution', text, (column) => column.notNull())
        .addColumn('at', text, (column) => column.notNull())
        .addPrimaryKeyConstraint('server_health_rollups_key', ['server_id', 'resolution', 'at'])
        .execute();
      await schema
        .createIndex('server_health_rollups_due')
        .on('server_health_rollups')
        .columns(['resolution', 'at'])
        .execute();
      // SQLite adds one column with each statement.
      const samples = schema.alterTable('server_health_samples');
      await samples.addColumn('sample_count', 'integer').execute();
      await samples.addColumn('metric_counts', text).execute();
      await samples.addColumn('is_closed', 'integer').execute();
      await sql`create index server_health_samples_open on server_health_samples (at, server_id)
        where is_closed = 0`.execute(tables);
      await schema
        .createTable('notification_channels')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('display_name', text, (column) => column.notNull())
        .addColumn('kind', text, (column) => column.notNull())
        .addColumn('is_enabled', 'integer', (column) => column.notNull())
        .addColumn('language', text, (column) => column.notNull())
        .addColumn('statuses', text, (column) => column.notNull())
        .addColumn('url', text)
        .addColumn('host', text)
        .addColumn('port', 'integer')
        .addColumn('security', text)
        .addColumn('user_name', text)
        .addColumn('sender', text)
        .addColumn('recipients', text)
        .addColumn('authority', text)
        .addColumn('secret', text)
        .addColumn('has_secret', 'integer', (column) => column.notNull())
        .addColumn('last_delivery_at', text)
        .addColumn('last_error', text)
        .addColumn('last_error_at', text)
        .execute();
      await schema
        .createTable('notification_deliveries')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('channel_id', text, (column) =>
          column.notNull().references('notification_channels.id').onDelete('cascade'),
        )
        .addColumn('created_at', text, (column) => column.notNull())
        .addColumn('message', text, (column) => column.notNull())
        .addColumn('failures', 'integer', (column) => column.notNull())
        .addColumn('next_attempt_at', text, (column) => column.notNull())
        .execute();
      await schema
        .createIndex('notification_deliveries_due')
        .on('notification_deliveries')
        .columns(['channel_id', 'id'])
        .execute();
    },
  };
}
