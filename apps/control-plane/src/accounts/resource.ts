import type { Finding } from '@culvert/contracts';
import { z } from 'zod';
import { recordAudit } from '../audit/record.ts';
import type { GraphObject } from '../graph/conversion.ts';
import type { Change, Resource } from '../graph/resource.ts';
import type { StoredRow } from '../graph/tables.ts';
import { ApiError } from '../http/errors.ts';
import { grantsOf } from '../roles/grants.ts';
import { revokeTokensOf } from '../tokens/store.ts';
import { localNameOf } from './account.ts';
import { isAdministrator, requireAnotherAdministrator } from './administrators.ts';
import { endSessions } from './end-sessions.ts';
import { accounts } from './entity.ts';
import { requireCovered } from './escalation.ts';
import { isLocalUserName, localUserNameRule } from './user-name.ts';

/** An account as it is written. What an identity provider tells is longer and freer than what people may type here. */
export const accountSchema = z.strictObject({
  userName: z.string().min(1).max(256),
  displayName: z.string().max(256).default(''),
  /** Role assignments to a group of this name hold for the account. */
  groups: z.array(z.string().min(1).max(254)).max(1_000).default([]),
  isEnabled: z.boolean().default(true),
  mustChangePassword: z.boolean().default(true),
});

/** Accounts: changed and deleted only by who holds as much, and never the last administrator. */
export const accountResource: Resource = {
  set: accounts,
  access: {
    read: 'Culvert_Accounts_Read',
    create: 'Culvert_Accounts_Create',
    update: 'Culvert_Accounts_Update',
    delete: 'Culvert_Accounts_Delete',
  },
  isScoped: false,
  title: 'account',
  schema: accountSchema as unknown as z.ZodType<GraphObject>,
  readOnly: ['id', 'hasSecondFactor', 'providerId', 'createdDateTime', 'lastSignInDateTime'],
  split: (body) => ({ properties: body, references: body }),
  columns: async (change, wanted, row, written) => {
    if (row === undefined) throw new Error('accounts are made by createAccount');
    await requireMayChange(change, row);
    const problems = row.provider_id === null ? judgeName(wanted.userName) : foreignFields(wanted, row);
    if (problems.length > 0) return { ok: false, problems };
    // The schema refuses the change.
    if (written === undefined) return { ok: true, value: {} };
    const next = written as z.output<typeof accountSchema>;
    if (row.provider_id === null) await requireFreeName(change, next.userName, row.id);
    await requireMayJoin(change, next.groups);
    if (!next.isEnabled) await endAccess(change, row.id);
    if (!next.isEnabled || !(await isAdministrator(change, { accountId: row.id, groups: next.groups })))
      await requireAnotherAdministrator(placeOf(change), { accountId: row.id });
    return { ok: true, value: localNameColumn(row, next.userName) };
  },
  warnings: () => [],
  requireUnused: async (change, row) => {
    await requireMayChange(change, row);
    await requireAnotherAdministrator(placeOf(change), { accountId: row.id });
    await removeAssignments(change, row.id);
    await endAccess(change, row.id);
  },
};

/** Throws unless the caller holds everything that the account holds. */
export async function requireMayChange({ tables, caller }: Change, row: StoredRow): Promise<void> {
  const grants = await grantsOf({ tables }, { accountId: row.id, groups: groupsOf(row) });
  requireCovered(caller, grants, 'this account has');
}

/** Throws unless the caller holds everything that these groups give. */
export async function requireMayJoin({ tables, caller }: Change, groups: readonly string[]): Promise<void> {
  const grants = await grantsOf({ tables }, { accountId: '', groups });
  requireCovered(caller, grants, 'these groups give');
}

/** What is wrong with the name of a local account. Other types are the schema's to refuse. */
function judgeName(userName: unknown): Finding[] {
  if (typeof userName !== 'string' || isLocalUserName(userName)) return [];
  return [{ path: 'userName', found: JSON.stringify(userName.slice(0, 80)), message: localUserNameRule }];
}

/** Throws when another local account has this name. */
export async function requireFreeName(
  { tables }: Pick<Change, 'tables'>,
  userName: string,
  ownId: string,
): Promise<void> {
  const other = await tables
    .selectFrom('accounts')
    .select('id')
    .where('local_name', '=', localNameOf(userName))
    .where('id', '<>', ownId)
    .executeTakeFirst();
  if (other === undefined) return;
  const message = 'another account has this name';
  throw new ApiError('Conflict', `userName: ${message}`, { details: [{ path: 'userName', message }] });
}

/** What only the identity provider of an account can change. */
function foreignFields(wanted: GraphObject, row: StoredRow): Finding[] {
  const present: GraphObject = {
    userName: row.user_name,
    displayName: row.display_name,
    groups: groupsOf(row),
    mustChangePassword: row.must_change_password === 1,
  };
  return Object.keys(present)
    .filter((name) => Object.hasOwn(wanted, name))
    .filter((name) => JSON.stringify(wanted[name]) !== JSON.stringify(present[name]))
    .map((path) => ({ path, message: 'this comes from the identity provider; change it there' }));
}

async function removeAssignments({ tables, caller, context }: Change, accountId: string): Promise<void> {
  const removed = await tables
    .deleteFrom('role_assignments')
    .where('member_kind', '=', 'account')
    .where('member', '=', accountId)
    .returning(['id', 'role_id'])
    .execute();
  for (const { id, role_id: roleId } of removed) {
    const object = { kind: 'roleAssignment', id, name: id };
    const before = { roleId, memberKind: 'account', member: accountId };
    await recordAudit(
      tables,
      { actor: caller.actor, action: 'roleAssignment.delete', object, outcome: 'success', before },
      context.now(),
    );
  }
}

/** Ends the sessions of an account, and the API tokens that it has made. */
async function endAccess({ tables, caller, context }: Change, accountId: string): Promise<void> {
  await endSessions(tables, accountId, context.now());
  await revokeTokensOf(tables, accountId, caller.actor, context.now());
}

function localNameColumn(row: StoredRow, userName: string) {
  return row.provider_id === null ? { local_name: localNameOf(userName) } : {};
}

function placeOf({ tables, context }: Change) {
  return { tables, engine: context.database.engine };
}

function groupsOf(row: StoredRow): string[] {
  return JSON.parse(String(row.group_names));
}
