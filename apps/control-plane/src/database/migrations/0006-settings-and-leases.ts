import type { Migration } from 'kysely/migration';
import type { DatabaseEngine } from '../open.ts';
import { textColumn } from './columns.ts';

export function settingsAndLeases(engine: DatabaseEngine): Migration {
  const text = textColumn(engine);
  return {
    async up({ schema }) {
      await schema
        .createTable('settings')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('properties', text, (column) => column.notNull())
        .execute();
      await schema
        .createTable('leases')
        .addColumn('name', text, (column) => column.primaryKey())
        .addColumn('holder', text, (column) => column.notNull())
        .addColumn('expires_at', text, (column) => column.notNull())
        .execute();
    },
  };
}
