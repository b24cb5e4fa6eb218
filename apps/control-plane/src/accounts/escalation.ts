import { ApiError } from '../http/errors.ts';
import { type Caller, type Grant, permittedScope } from '../permissions/caller.ts';
import { type Permission, permissionName, permissions } from '../permissions/permissions.ts';

/** Permissions of these grants that the caller does not hold over everything that they reach. */
export function beyondGrants(caller: Caller, grants: readonly Grant[]): Permission[] {
  return permissions.filter((permission) => {
    const own = permittedScope(caller, permission);
    return own !== 'all' && grants.some((grant) => grant.permissions.has(permission) && !covers(own, grant));
  });
}

/**
 * Throws unless the caller holds everything that these grants allow. Whoever sets the password of an account, or says who
 * is in a group, can do what the account and the group can.
 */
export function requireCovered(caller: Caller, grants: readonly Grant[], whose: string): void {
  const [first] = beyondGrants(caller, grants);
  if (first === undefined) return;
  throw new ApiError(
    'Forbidden',
    `${whose} the permission "${permissionName(first)}" (${first}) beyond what you hold yourself; ask somebody who holds it`,
  );
}

function covers(own: ReadonlySet<string>, { scopeTagIds }: Grant): boolean {
  return scopeTagIds !== 'all' && [...scopeTagIds].every((tag) => own.has(tag));
}
