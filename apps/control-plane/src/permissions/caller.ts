import type { Actor } from '../audit/record.ts';
import type { Permission } from './permissions.ts';

/** What one assignment of a role gives: these permissions over objects that carry one of these scope tags. */
export interface Grant {
  readonly permissions: ReadonlySet<Permission>;
  readonly scopeTagIds: ReadonlySet<string> | 'all';
}

/** Somebody who has proved who they are. */
export interface Caller {
  readonly actor: Actor;
  readonly grants: readonly Grant[];
  /** The browser's session from which the caller's token comes, if any. */
  readonly sessionUid?: string | undefined;
}

/** True when the caller has the permission over at least some objects. */
export function hasPermission(caller: Caller, permission: Permission): boolean {
  return caller.grants.some((grant) => grant.permissions.has(permission));
}

/** The scope tags over which the caller has the permission; an empty set when it has it nowhere. */
export function permittedScope(caller: Caller, permission: Permission): ReadonlySet<string> | 'all' {
  const scopes = caller.grants
    .filter((grant) => grant.permissions.has(permission))
    .map((grant) => grant.scopeTagIds);
  if (scopes.includes('all')) return 'all';
  return new Set(scopes.flatMap((scope) => (scope === 'all' ? [] : [...scope])));
}

/** True when the caller has the permission over an object with these scope tags. */
export function mayTouch(
  caller: Caller,
  permission: Permission,
  roleScopeTagIds: readonly string[],
): boolean {
  const scope = permittedScope(caller, permission);
  return scope === 'all' || roleScopeTagIds.some((tag) => scope.has(tag));
}
