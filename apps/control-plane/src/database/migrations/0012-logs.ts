import type { Migration } from 'kysely/migration';
import type { DatabaseEngine } from '../open.ts';
import { textColumn } from './columns.ts';

/** Archives of logs in pieces, shared by replicas, and what servers send of their logs by themselves. */
export function logs(engine: DatabaseEngine): Migration {
  const text = textColumn(engine);
  return {
    async up(tables) {
      const { schema } = tables;
      // Nothing wrote a file: servers had no agents.
      await schema.alterTable('server_log_collections').dropColumn('file').execute();
      const add = schema.alterTable('server_log_collections');
      await add.addColumn('state', text, (column) => column.notNull().defaultTo('ordered')).execute();
      await add.addColumn('reason', text).execute();
      await add.addColumn('received_bytes', 'integer', (column) => column.notNull().defaultTo(0)).execute();
      await add.addColumn('sha256', text).execute();
      await add.addColumn('verbose_until', text).execute();
      await add
        .addColumn('include_access_log', 'integer', (column) => column.notNull().defaultTo(0))
        .execute();
      await add.addColumn('command_id', text).execute();
      await add.addColumn('changed_at', text, (column) => column.notNull().defaultTo('')).execute();
      await tables
        .updateTable('server_log_collections')
        .set({ state: 'failed', status: 'failed', reason: 'the server sent nothing' })
        .execute();
      await schema
        .createIndex('server_log_collections_state')
        .on('server_log_collections')
        .columns(['state', 'verbose_until'])
        .execute();
      await schema
        .createTable('log_pieces')
        .addColumn('collection_id', text, (column) =>
          column.notNull().references('server_log_collections.id').onDelete('cascade'),
        )
        .addColumn('position', 'integer', (column) => column.notNull())
        .addColumn('content', text, (column) => column.notNull())
        .addPrimaryKeyConstraint('log_pieces_key', ['collection_id', 'position'])
        .execute();
      await schema
        .createTable('recent_logs')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('server_id', text, (column) =>
          column.notNull().references('servers.id').onDelete('cascade'),
        )
        .addColumn('received_at', text, (column) => column.notNull())
        .addColumn('size_in_bytes', 'integer', (column) => column.notNull())
        .addColumn('lines', 'integer', (column) => column.notNull())
        .addColumn('content', text, (column) => column.notNull())
        .execute();
      await schema
        .createIndex('recent_logs_server_id')
        .on('recent_logs')
        .columns(['server_id', 'id'])
        .execute();
      await schema.createIndex('recent_logs_received_at').on('recent_logs').column('received_at').execute();
    },
  };
}
