import type { Migration } from 'kysely/migration';
import type { DatabaseEngine } from '../open.ts';
import { textColumn } from './columns.ts';

/** Agents of servers: who they are, what they told, what they are told. */
export function fleet(engine: DatabaseEngine): Migration {
  const text = textColumn(engine);
  return {
    async up({ schema }) {
      await schema
        .createTable('agent_authorities')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('certificate', text, (column) => column.notNull())
        .addColumn('private_key', text, (column) => column.notNull())
        .addColumn('created_at', text, (column) => column.notNull())
        .execute();
      await schema
        .createTable('agent_certificates')
        .addColumn('fingerprint', text, (column) => column.primaryKey())
        .addColumn('server_id', text, (column) =>
          column.notNull().references('servers.id').onDelete('cascade'),
        )
        .addColumn('serial', text, (column) => column.notNull())
        .addColumn('not_before', text, (column) => column.notNull())
        .addColumn('not_after', text, (column) => column.notNull())
        .addColumn('issued_at', text, (column) => column.notNull())
        .addColumn('first_used_at', text)
        .addColumn('revoked_at', text)
        .execute();
      await schema
        .createIndex('agent_certificates_server_id')
        .on('agent_certificates')
        .column('server_id')
        .execute();
      await schema
        .createTable('join_tokens')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('secret_hash', text, (column) => column.notNull().unique())
        .addColumn('site_id', text, (column) => column.notNull().references('sites.id').onDelete('cascade'))
        .addColumn('server_id', text, (column) => column.references('servers.id').onDelete('cascade'))
        .addColumn('created_by', text, (column) => column.notNull())
        .addColumn('created_at', text, (column) => column.notNull())
        .addColumn('expires_at', text, (column) => column.notNull())
        .addColumn('used_at', text)
        .addColumn('used_by_server_id', text)
        .execute();
      await schema.createIndex('join_tokens_site_id').on('join_tokens').column('site_id').execute();
      await schema.createIndex('join_tokens_server_id').on('join_tokens').column('server_id').execute();
      await schema
        .createTable('server_states')
        .addColumn('server_id', text, (column) =>
          column.primaryKey().references('servers.id').onDelete('cascade'),
        )
        .addColumn('host_name', text, (column) => column.notNull())
        .addColumn('agent_version', text)
        .addColumn('gateway_version', text)
        .addColumn('engine_version', text)
        .addColumn('last_check_in_at', text, (column) => column.notNull())
        .addColumn('connected', 'integer', (column) => column.notNull())
        .addColumn('away', 'integer', (column) => column.notNull())
        .addColumn('capacity', 'integer', (column) => column.notNull())
        .addColumn('applied_revision', text)
        .addColumn('logs_are_verbose', 'integer', (column) => column.notNull())
        .addColumn('last_logs_at', text)
        .addColumn('reasons', text, (column) => column.notNull())
        .addColumn('latest', text, (column) => column.notNull())
        .addColumn('latest_at', text)
        .addColumn('upgrade_version', text)
        .addColumn('upgrade_state', text)
        .addColumn('upgrade_reason', text)
        .addColumn('upgrade_at', text)
        .execute();
      await schema
        .createTable('server_commands')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('server_id', text, (column) =>
          column.notNull().references('servers.id').onDelete('cascade'),
        )
        .addColumn('kind', text, (column) => column.notNull())
        .addColumn('command_order', text, (column) => column.notNull())
        .addColumn('state', text, (column) => column.notNull())
        .addColumn('detail', text)
        .addColumn('created_by', text, (column) => column.notNull())
        .addColumn('created_at', text, (column) => column.notNull())
        .addColumn('expires_at', text, (column) => column.notNull())
        .addColumn('sent_at', text)
        .addColumn('finished_at', text)
        .execute();
      await schema
        .createIndex('server_commands_server_id')
        .on('server_commands')
        .columns(['server_id', 'id'])
        .execute();
      await schema
        .createIndex('server_commands_state')
        .on('server_commands')
        .columns(['state', 'expires_at'])
        .execute();
      await schema
        .createTable('configuration_reports')
        .addColumn('server_id', text, (column) =>
          column.notNull().references('servers.id').onDelete('cascade'),
        )
        .addColumn('revision', text, (column) => column.notNull())
        .addColumn('status', text, (column) => column.notNull())
        .addColumn('reason', text)
        .addColumn('offered_at', text, (column) => column.notNull())
        .addColumn('reported_at', text)
        .addPrimaryKeyConstraint('configuration_reports_key', ['server_id', 'revision'])
        .execute();
      await schema
        .createTable('server_health_samples')
        .addColumn('server_id', text, (column) =>
          column.notNull().references('servers.id').onDelete('cascade'),
        )
        .addColumn('resolution', text, (column) => column.notNull())
        .addColumn('at', text, (column) => column.notNull())
        .addColumn('metric_values', text, (column) => column.notNull())
        .addPrimaryKeyConstraint('server_health_samples_key', ['server_id', 'resolution', 'at'])
        .execute();
      // Nothing wrote to it: servers had no agents.
      await schema.dropTable('server_health_metrics').execute();
    },
  };
}
