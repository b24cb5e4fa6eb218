import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { DatabaseEngine } from '../open.ts';
import { textColumn } from './columns.ts';

export function rolesAndTokens(engine: DatabaseEngine): Migration {
  const text = textColumn(engine);
  return {
    async up(tables) {
      const { schema } = tables;
      await schema
        .createTable('roles')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('display_name', text, (column) => column.notNull().unique())
        .addColumn('description', text, (column) => column.notNull())
        .addColumn('permissions', text, (column) => column.notNull())
        .addColumn('is_built_in', 'integer', (column) => column.notNull())
        .execute();
      await schema
        .createTable('role_assignments')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('role_id', text, (column) => column.notNull().references('roles.id'))
        .addColumn('member_kind', text, (column) => column.notNull())
        .addColumn('member', text, (column) => column.notNull())
        .addColumn('scope_tag_ids', text)
        .addUniqueConstraint('role_assignments_member', ['member_kind', 'member', 'role_id'])
        .execute();
      await schema
        .createTable('api_tokens')
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('display_name', text, (column) => column.notNull())
        .addColumn('hash', text, (column) => column.notNull().unique())
        .addColumn('hint', text, (column) => column.notNull())
        // No reference: a token that has ended is still listed when its role is gone.
        .addColumn('role_id', text, (column) => column.notNull())
        .addColumn('scope_tag_ids', text)
        .addColumn('created_at', text, (column) => column.notNull())
        .addColumn('created_by', text, (column) => column.notNull())
        .addColumn('created_by_account', text)
        .addColumn('expires_at', text, (column) => column.notNull())
        .addColumn('last_used_at', text)
        .addColumn('revoked_at', text)
        .execute();
      // Not even a mistake of ours may change what was written down.
      if (engine === 'postgresql') {
        await sql`create function refuse_audit_change() returns trigger language plpgsql as
          $$ begin raise exception 'the audit log cannot be changed'; end $$`.execute(tables);
        await sql`create trigger audit_entries_update before update on audit_entries
          for each statement execute function refuse_audit_change()`.execute(tables);
      } else {
        await sql`create trigger audit_entries_update before update on audit_entries
          begin select raise(abort, 'the audit log cannot be changed'); end`.execute(tables);
      }
    },
  };
}
