import type { Migration } from 'kysely/migration';
import type { DatabaseEngine } from '../open.ts';
import { textColumn } from './columns.ts';

export function scopeTags(engine: DatabaseEngine): Migration {
  const text = textColumn(engine);
  return {
    async up({ schema }) {
      await schema
        .createTable('scope_tags')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('display_name', text, (column) => column.notNull().unique())
        .addColumn('description', text, (column) => column.notNull())
        .addColumn('is_built_in', 'integer', (column) => column.notNull())
        .execute();
      await schema
        .createTable('scope_tag_numbers')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('last', 'integer', (column) => column.notNull())
        .execute();
    },
  };
}
