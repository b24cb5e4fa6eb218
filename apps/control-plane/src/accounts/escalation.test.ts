import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Caller, Grant } from '../permissions/caller.ts';
import { permissions } from '../permissions/permissions.ts';
import { beyondGrants } from './escalation.ts';

const grant: fc.Arbitrary<Grant> = fc.record({
  permissions: fc.subarray([...permissions]).map((chosen) => new Set(chosen)),
  scopeTagIds: fc.oneof(
    fc.constant('all' as const),
    fc.subarray(['0', '1', '2'], { minLength: 1 }).map((tags) => new Set(tags)),
  ),
});
const grants = fc.array(grant, { maxLength: 4 });
const callerWith = (held: readonly Grant[]): Caller => ({
  actor: { kind: 'user', name: 'caller' },
  grants: held,
});

test('who holds the same grants or more is beyond nothing', () => {
  fc.assert(
    fc.property(grants, grants, (target, more) => {
      expect(beyondGrants(callerWith([...target, ...more]), target)).toEqual([]);
    }),
  );
});

test('a permission is beyond exactly when some object is in reach of the target and not of the caller', () => {
  const reaches = (held: readonly Grant[], permission: (typeof permissions)[number], tag: string) =>
    held.some(
      (one) => one.permissions.has(permission) && (one.scopeTagIds === 'all' || one.scopeTagIds.has(tag)),
    );
  fc.assert(
    fc.property(grants, grants, (own, target) => {
      // "9" stands for tags that nobody has named; only a grant over everything reaches it.
      const expected = permissions.filter((permission) =>
        ['0', '1', '2', '9'].some(
          (tag) => reaches(target, permission, tag) && !reaches(own, permission, tag),
        ),
      );
      expect(beyondGrants(callerWith(own), target)).toEqual(expected);
    }),
  );
});
