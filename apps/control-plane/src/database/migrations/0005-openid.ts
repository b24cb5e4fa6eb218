import type { Migration } from 'kysely/migration';
import type { DatabaseEngine } from '../open.ts';
import { textColumn } from './columns.ts';

export function openId(engine: DatabaseEngine): Migration {
  const text = textColumn(engine);
  return {
    async up({ schema }) {
      await schema
        .createTable('openid_artifacts')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('kind', text, (column) => column.notNull())
        .addColumn('payload', text, (column) => column.notNull())
        .addColumn('account_id', text)
        .addColumn('client_id', text)
        .addColumn('grant_id', text)
        .addColumn('session_uid', text)
        .addColumn('user_code', text, (column) => column.unique())
        .addColumn('scope', text)
        .addColumn('expires_at', text, (column) => column.notNull())
        .addColumn('consumed_at', text)
        .execute();
      for (const column of ['account_id', 'grant_id', 'session_uid', 'expires_at']) {
        await schema
          .createIndex(`openid_artifacts_${column}`)
          .on('openid_artifacts')
          .column(column)
          .execute();
      }
      await schema
        .createTable('openid_keys')
        .addColumn('sequence', 'integer', (column) => column.primaryKey())
        .addColumn('sealed', text, (column) => column.notNull())
        .addColumn('published_at', text, (column) => column.notNull())
        .addColumn('signs_from', text, (column) => column.notNull())
        .execute();
      await schema
        .createTable('sign_in_sessions')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('account_id', text, (column) => column.notNull())
        .addColumn('user_name', text, (column) => column.notNull())
        .addColumn('client_id', text, (column) => column.notNull())
        .addColumn('address', text, (column) => column.notNull())
        .addColumn('user_agent', text, (column) => column.notNull())
        .addColumn('session_uid', text, (column) => column.notNull())
        .addColumn('grant_id', text, (column) => column.notNull().unique())
        .addColumn('created_at', text, (column) => column.notNull())
        .addColumn('last_used_at', text, (column) => column.notNull())
        .addColumn('expires_at', text, (column) => column.notNull())
        .execute();
      for (const column of ['account_id', 'session_uid', 'expires_at']) {
        await schema
          .createIndex(`sign_in_sessions_${column}`)
          .on('sign_in_sessions')
          .column(column)
          .execute();
      }
    },
  };
}
