import { type RawBuilder, sql } from 'kysely';
import type { DatabaseEngine } from '../database/open.ts';
import { ApiError } from '../http/errors.ts';
import { sharesElement } from '../odata/apply.ts';
import { type Caller, permittedScope } from '../permissions/caller.ts';
import type { Permission } from '../permissions/permissions.ts';

export const readPermission = 'Microsoft.Intune_MicrosoftTunnelGateway_Read';
export const createPermission = 'Microsoft.Intune_MicrosoftTunnelGateway_Create';
export const updatePermission = 'Microsoft.Intune_MicrosoftTunnelGateway_Update';
export const deletePermission = 'Microsoft.Intune_MicrosoftTunnelGateway_Delete';

/** The permissions of everything that the original has. */
export const tunnelAccess = {
  read: readPermission,
  create: createPermission,
  update: updatePermission,
  delete: deletePermission,
} as const;

/** The rows of a resource over which the caller has the permission. */
export function scopeOf(
  { isScoped }: { isScoped: boolean },
  engine: DatabaseEngine,
  caller: Caller,
  permission: Permission,
): RawBuilder<boolean> {
  return isScoped ? inScope(engine, caller, permission) : sql<boolean>`(1 = 1)`;
}

/** The rows over which the caller has the permission, by their scope tags. */
export function inScope(
  engine: DatabaseEngine,
  caller: Caller,
  permission: Permission,
  column = 'role_scope_tag_ids',
): RawBuilder<boolean> {
  const scope = permittedScope(caller, permission);
  return scope === 'all' ? sql<boolean>`(1 = 1)` : sharesElement(engine, column, [...scope]);
}

/** Throws unless the caller holds every one of the tags: otherwise objects could be pushed into a foreign scope. */
export function requireTags(
  caller: Caller,
  permission: Permission,
  roleScopeTagIds: readonly string[],
): void {
  const scope = permittedScope(caller, permission);
  if (scope === 'all') return;
  const foreign = roleScopeTagIds.filter((tag) => !scope.has(tag));
  if (foreign.length === 0) return;
  throw new ApiError('Forbidden', `your roles do not reach the scope tags ${foreign.join(', ')}`, {
    details: [{ path: 'roleScopeTagIds', message: `allowed are ${[...scope].join(', ')}` }],
  });
}
