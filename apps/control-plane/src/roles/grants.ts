import type { Database } from '../database/open.ts';
import type { Grant } from '../permissions/caller.ts';
import { type Permission, permissions } from '../permissions/permissions.ts';

/** Whose assignments count: an account by its identifier, and the groups that it is in. */
export interface Subject {
  accountId: string;
  groups: readonly string[];
}

/** Everything that the assignments of a subject allow. */
export async function grantsOf(
  { tables }: Pick<Database, 'tables'>,
  { accountId, groups }: Subject,
): Promise<Grant[]> {
  const rows = await tables
    .selectFrom('role_assignments')
    .innerJoin('roles', 'roles.id', 'role_assignments.role_id')
    .select(['role_assignments.scope_tag_ids', 'roles.permissions'])
    .where(({ and, eb, or }) =>
      or([
        and([eb('member_kind', '=', 'account'), eb('member', '=', accountId)]),
        ...(groups.length === 0 ? [] : [and([eb('member_kind', '=', 'group'), eb('member', 'in', groups)])]),
      ]),
    )
    .execute();
  return rows.map(grantOf);
}

/** What a role allows over the scope tags of an assignment or a token, both as they are stored. */
export function grantOf(row: { permissions: string; scope_tag_ids: string | null }): Grant {
  return {
    permissions: new Set(knownPermissions(row.permissions)),
    scopeTagIds: row.scope_tag_ids === null ? 'all' : new Set<string>(JSON.parse(row.scope_tag_ids)),
  };
}

/** The permissions of a stored list; one that a later release had is left out. */
export function knownPermissions(text: string): Permission[] {
  const list: unknown = JSON.parse(text);
  return permissions.filter((permission) => Array.isArray(list) && list.includes(permission));
}
