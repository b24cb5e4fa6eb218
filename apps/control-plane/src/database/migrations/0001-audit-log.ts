import type { Migration } from 'kysely/migration';
import type { DatabaseEngine } from '../open.ts';
import { textColumn } from './columns.ts';

export function auditLog(engine: DatabaseEngine): Migration {
  const text = textColumn(engine);
  return {
    async up(tables) {
      await tables.schema
        .createTable('audit_entries')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('at', text, (column) => column.notNull())
        .addColumn('actor_kind', text, (column) => column.notNull())
        .addColumn('actor_id', text)
        .addColumn('actor_name', text, (column) => column.notNull())
        .addColumn('address', text)
        .addColumn('action', text, (column) => column.notNull())
        .addColumn('object_kind', text)
        .addColumn('object_id', text)
        .addColumn('object_name', text)
        .addColumn('outcome', text, (column) => column.notNull())
        .addColumn('before', text)
        .addColumn('after', text)
        .addColumn('detail', text)
        .addColumn('request_id', text)
        .addColumn('role_scope_tag_ids', text, (column) => column.notNull())
        .execute();
      await tables.schema.createIndex('audit_entries_at').on('audit_entries').column('at').execute();
    },
  };
}
