import type { Migration } from 'kysely/migration';
import type { DatabaseEngine } from '../open.ts';
import { textColumn } from './columns.ts';

export function accounts(engine: DatabaseEngine): Migration {
  const text = textColumn(engine);
  return {
    async up({ schema }) {
      await schema
        .createTable('identity_providers')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('display_name', text, (column) => column.notNull())
        .addColumn('issuer', text, (column) => column.notNull())
        .addColumn('client_id', text, (column) => column.notNull())
        .addColumn('client_secret', text)
        .addColumn('has_client_secret', 'integer', (column) => column.notNull())
        .addColumn('scopes', text, (column) => column.notNull())
        .addColumn('user_name_claim', text, (column) => column.notNull())
        .addColumn('groups_claim', text, (column) => column.notNull())
        .addColumn('allowed_groups', text, (column) => column.notNull())
        .addColumn('is_enabled', 'integer', (column) => column.notNull())
        .execute();
      await schema
        .createTable('accounts')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('user_name', text, (column) => column.notNull())
        .addColumn('local_name', text, (column) => column.unique())
        .addColumn('display_name', text, (column) => column.notNull())
        .addColumn('group_names', text, (column) => column.notNull())
        .addColumn('is_enabled', 'integer', (column) => column.notNull())
        .addColumn('password_hash', text)
        .addColumn('must_change_password', 'integer', (column) => column.notNull())
        .addColumn('has_second_factor', 'integer', (column) => column.notNull())
        .addColumn('totp_secret', text)
        .addColumn('totp_last_step', 'bigint', (column) => column.notNull())
        .addColumn('provider_id', text, (column) => column.references('identity_providers.id'))
        .addColumn('subject', text)
        .addColumn('created_at', text, (column) => column.notNull())
        .addColumn('last_sign_in_at', text)
        .addUniqueConstraint('accounts_subject', ['provider_id', 'subject'])
        .execute();
      await schema
        .createTable('account_recovery_codes')
        .addColumn('account_id', text, (column) =>
          column.notNull().references('accounts.id').onDelete('cascade'),
        )
        .addColumn('hash', text, (column) => column.notNull())
        .addPrimaryKeyConstraint('account_recovery_codes_key', ['account_id', 'hash'])
        .execute();
      await schema
        .createTable('account_addresses')
        .addColumn('account_id', text, (column) =>
          column.notNull().references('accounts.id').onDelete('cascade'),
        )
        .addColumn('address_key', text, (column) => column.notNull())
        .addColumn('last_sign_in_at', text, (column) => column.notNull())
        .addPrimaryKeyConstraint('account_addresses_key', ['account_id', 'address_key'])
        .execute();
      await schema
        .createTable('sign_in_throttle')
        .addColumn('key', text, (column) => column.primaryKey())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('failures', 'integer', (column) => column.notNull())
        .addColumn('last_failure_at', text, (column) => column.notNull())
        .addColumn('refused', 'integer', (column) => column.notNull())
        .addColumn('expires_at', text, (column) => column.notNull())
        .execute();
      await schema
        .createIndex('sign_in_throttle_expires_at')
        .on('sign_in_throttle')
        .column('expires_at')
        .execute();
    },
  };
}
