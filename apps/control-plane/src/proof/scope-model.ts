import fc from 'fast-check';
import type { Grant } from '../permissions/caller.ts';
import type { Permission } from '../permissions/permissions.ts';

/** An object as the model knows it. */
export interface Thing {
  id: string;
  tags: readonly string[];
  displayName: string;
}

const tags = ['0', '1', '2'];

/** Every set of tags that an object can have. */
export const tagSets: readonly (readonly string[])[] = [1, 2, 3, 4, 5, 6, 7].map((bits) =>
  tags.filter((_, place) => (bits & (1 << place)) !== 0),
);

const tunnelPermissions = ['Create', 'Read', 'Update', 'Delete'].map(
  (action) => `Microsoft.Intune_MicrosoftTunnelGateway_${action}` as Permission,
);

/** What somebody may have: up to three roles, each over everything or over some tags, also such as no object has. */
export const callerGrants: fc.Arbitrary<Grant[]> = fc.array(
  fc.record({
    permissions: fc.subarray(tunnelPermissions, { minLength: 1 }).map((list) => new Set(list)),
    scopeTagIds: fc.oneof(
      { weight: 1, arbitrary: fc.constant('all' as const) },
      { weight: 4, arbitrary: fc.subarray([...tags, '9']).map((list) => new Set(list)) },
    ),
  }),
  { maxLength: 3 },
);

/** The rule: one role that has the permission reaches one of the tags; without tags, one role has the permission at all. */
export function holds(grants: readonly Grant[], permission: string, objectTags?: readonly string[]): boolean {
  return grants.some(
    ({ permissions, scopeTagIds }) =>
      permissions.has(permission as Permission) &&
      (objectTags === undefined || scopeTagIds === 'all' || objectTags.some((tag) => scopeTagIds.has(tag))),
  );
}
