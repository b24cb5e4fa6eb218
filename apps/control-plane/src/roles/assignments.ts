import { type Finding, scopeTagIds } from '@culvert/contracts';
import { z } from 'zod';
import { requireAnotherAdministrator } from '../accounts/administrators.ts';
import { requireCovered } from '../accounts/escalation.ts';
import type { GraphObject } from '../graph/conversion.ts';
import { type EntitySet, ownBase } from '../graph/entity-set.ts';
import type { Change, Resource } from '../graph/resource.ts';
import type { StoredRow } from '../graph/tables.ts';
import { ApiError } from '../http/errors.ts';
import { unknownTags } from '../scope-tags/known-tags.ts';
import { grantOf } from './grants.ts';
import { judgeRole } from './judge-role.ts';
import { rolesAccess } from './resource.ts';

export const roleAssignments: EntitySet = {
  table: 'role_assignments',
  base: ownBase,
  path: 'roleAssignments',
  entity: {
    name: 'roleAssignment',
    fields: {
      id: { type: 'string', column: 'id', isExact: true },
      roleId: { type: 'string', column: 'role_id', isExact: true },
      memberKind: { type: 'enum', column: 'member_kind', members: ['account', 'group'] },
      member: { type: 'string', column: 'member' },
      scopeTagIds: { type: 'stringCollection', column: 'scope_tag_ids', isNullable: true },
    },
    navigation: {},
  },
};

const assignmentSchema = z.strictObject({
  roleId: z.string().min(1).max(100),
  memberKind: z.enum(['account', 'group']),
  /** Identifier of an account, or name of a group as the identity provider tells it. */
  member: z.string().min(1).max(254),
  /** Objects with one of these scope tags; null for all. */
  scopeTagIds: scopeTagIds.min(1).nullable().default(null),
});

/** The role whose holders can do everything. */
const administrator = 'administrator';

/** Who holds which role, and over what. */
export const assignmentResource: Resource = {
  set: roleAssignments,
  access: rolesAccess,
  isScoped: false,
  title: 'role assignment',
  schema: assignmentSchema as unknown as z.ZodType<GraphObject>,
  readOnly: ['id'],
  documentation: {
    example: { roleId: 'readOnlyOperator', memberKind: 'group', member: 'Auditors', scopeTagIds: ['0'] },
  },
  split: (body) => ({ properties: body, references: { roleId: body.roleId, scopeTagIds: body.scopeTagIds } }),
  columns: async (change, { roleId, scopeTagIds }, row, written) => {
    if (row !== undefined) {
      await requireMayTake(change, row);
      await requireAnotherAssignment(change, row);
    }
    const problems = [
      ...(await unknownTags(change.tables, 'scopeTagIds', scopeTagIds)),
      ...(await judgeRole(change, roleId ?? row?.role_id)),
      ...(written === undefined ? [] : await judgeMember(change, written)),
    ];
    return problems.length > 0 ? { ok: false, problems } : { ok: true, value: {} };
  },
  warnings: () => [],
  requireUnused: async (change, row) => {
    await requireMayTake(change, row);
    await requireAnotherAssignment(change, row);
  },
};

/** What is wrong with the account that is to hold the role. Groups need not be there: identity providers name them. */
async function judgeMember({ tables }: Change, { memberKind, member }: GraphObject): Promise<Finding[]> {
  if (memberKind !== 'account') return [];
  const account = await tables
    .selectFrom('accounts')
    .select('id')
    .where('id', '=', String(member))
    .executeTakeFirst();
  if (account !== undefined) return [];
  const message =
    'there is no account with this id; give the id, and not the user name: GET /api/v1/accounts lists both';
  return [{ path: 'member', found: JSON.stringify(String(member).slice(0, 80)), message }];
}

/** Throws unless the caller holds everything that the assignment gives: nobody takes away what they could not give. */
async function requireMayTake({ tables, caller }: Change, row: StoredRow): Promise<void> {
  const { permissions } = await tables
    .selectFrom('roles')
    .select('permissions')
    .where('id', '=', String(row.role_id))
    .executeTakeFirstOrThrow();
  const scope_tag_ids = typeof row.scope_tag_ids === 'string' ? row.scope_tag_ids : null;
  requireCovered(caller, [grantOf({ permissions, scope_tag_ids })], 'this assignment gives');
}

async function requireAnotherAssignment({ tables, context }: Change, row: StoredRow): Promise<void> {
  if (row.role_id !== administrator) return;
  const administrators = await tables
    .selectFrom('role_assignments')
    .select('id')
    .where('role_id', '=', administrator)
    .where('scope_tag_ids', 'is', null)
    .orderBy('id')
    // Two administrators who remove each other at the same time must not both succeed. SQLite has one writer anyway.
    .$if(context.database.engine === 'postgresql', (rows) => rows.forUpdate())
    .execute();
  if (!administrators.some(({ id }) => id !== row.id)) {
    throw new ApiError('Conflict', 'this is the last administrator; give the role to somebody else first');
  }
  // Assignments to accounts that are disabled, or to groups that nobody is in, help nobody.
  await requireAnotherAdministrator({ tables, engine: context.database.engine }, { assignmentId: row.id });
}
