import type { Finding } from '@culvert/contracts';
import { z } from 'zod';
import { requireCovered } from '../accounts/escalation.ts';
import type { GraphObject } from '../graph/conversion.ts';
import { type EntitySet, ownBase } from '../graph/entity-set.ts';
import type { Change, Resource } from '../graph/resource.ts';
import { ApiError } from '../http/errors.ts';
import { hasPermission } from '../permissions/caller.ts';
import { type Permission, permissionName, permissions } from '../permissions/permissions.ts';
import { tokensInForce } from '../tokens/ended.ts';
import { grantOf } from './grants.ts';

export const roles: EntitySet = {
  table: 'roles',
  base: ownBase,
  path: 'roles',
  entity: {
    name: 'role',
    fields: {
      id: { type: 'string', column: 'id', isExact: true },
      displayName: { type: 'string', column: 'display_name' },
      description: { type: 'string', column: 'description' },
      permissions: { type: 'stringCollection', column: 'permissions' },
      isBuiltIn: { type: 'boolean', column: 'is_built_in' },
    },
    navigation: {},
  },
};

const roleSchema = z.strictObject({
  displayName: z.string().min(1).max(200),
  description: z.string().max(1000).default(''),
  permissions: z.array(z.enum(permissions as [Permission, ...Permission[]])).min(1),
});

/** The permissions of roles themselves. */
export const rolesAccess = {
  read: 'Culvert_Roles_Read',
  create: 'Culvert_Roles_Create',
  update: 'Culvert_Roles_Update',
  delete: 'Culvert_Roles_Delete',
} as const;

/** Roles: the built-in ones never change, and nobody makes one that is stronger than themselves. */
export const roleResource: Resource = {
  set: roles,
  access: rolesAccess,
  isScoped: false,
  title: 'role',
  schema: roleSchema as unknown as z.ZodType<GraphObject>,
  readOnly: ['id', 'isBuiltIn'],
  documentation: {
    example: { displayName: 'Site operators', permissions: ['Microsoft.Intune_MicrosoftTunnelGateway_Read'] },
  },
  split: (body) => ({ properties: body, references: { permissions: body.permissions } }),
  columns: async (change, { permissions: wanted }, row) => {
    if (row?.is_built_in === 1)
      throw new ApiError('Conflict', 'a built-in role cannot be changed; make a role of your own');
    // Who holds the role would lose what the caller could not give back.
    if (row !== undefined)
      requireCovered(
        change.caller,
        [grantOf({ permissions: String(row.permissions), scope_tag_ids: null })],
        'this role gives',
      );
    const problems = beyondCaller(change, wanted);
    return problems.length > 0
      ? { ok: false, problems }
      : { ok: true, value: row === undefined ? { is_built_in: 0 } : {} };
  },
  warnings: () => [],
  requireUnused: async ({ tables, context }, { id, is_built_in }) => {
    if (is_built_in === 1) throw new ApiError('Conflict', 'a built-in role cannot be deleted');
    const [assignment, token] = await Promise.all([
      tables.selectFrom('role_assignments').select('member').where('role_id', '=', id).executeTakeFirst(),
      tokensInForce(tables, context.now())
        .select('display_name')
        .where('role_id', '=', id)
        .executeTakeFirst(),
    ]);
    const user = assignment?.member ?? token?.display_name;
    if (user !== undefined)
      throw new ApiError('Conflict', `the role is still held by ${user}; take it away first`);
  },
};

/** Permissions of a wanted list that the caller does not hold everywhere: nobody hands out more than they have. */
export function beyondCaller({ caller }: Pick<Change, 'caller'>, wanted: unknown): Finding[] {
  if (!Array.isArray(wanted)) return [];
  return permissions
    .filter((permission) => wanted.includes(permission) && !holdsEverywhere(caller, permission))
    .map((permission) => ({
      path: 'permissions',
      found: JSON.stringify(permission),
      message: `you cannot give "${permissionName(permission)}", because you do not hold it everywhere yourself`,
    }));
}

function holdsEverywhere(caller: Change['caller'], permission: Permission): boolean {
  return (
    hasPermission(caller, permission) &&
    caller.grants.some((grant) => grant.permissions.has(permission) && grant.scopeTagIds === 'all')
  );
}
