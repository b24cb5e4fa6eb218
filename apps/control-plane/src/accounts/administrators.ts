import type { Kysely } from 'kysely';
import type { DatabaseEngine } from '../database/open.ts';
import type { Tables } from '../database/tables.ts';
import { ApiError } from '../http/errors.ts';
import { sharesElement } from '../odata/apply.ts';

const administrator = 'administrator';

/** What is about to go: an account or its way in, or an assignment of the role. */
export type Leaving = { accountId: string } | { providerId: string } | { assignmentId: string };

interface Place {
  tables: Kysely<Tables>;
  engine: DatabaseEngine;
}

/**
 * Throws when nobody would be left who can sign in and holds the role `administrator` over everything. What gives no
 * administrator leaves freely. Call it in the transaction of the change, before the change.
 */
export async function requireAnotherAdministrator(place: Place, leaving: Leaving): Promise<void> {
  // Writing to the row makes changes on other replicas wait, so that two cannot each rely on the other's administrator.
  await place.tables
    .updateTable('roles')
    .set(({ ref }) => ({ version: ref('version') }))
    .where('id', '=', administrator)
    .execute();
  const present = await administrators(place, undefined);
  if (present.length === 0 || (await administrators(place, leaving)).length > 0) return;
  throw new ApiError(
    'Conflict',
    'nobody would be left who can sign in as an administrator; give the role "Administrator" to another enabled account first',
  );
}

/** True when the account would be an administrator with these groups. */
export async function isAdministrator(
  { tables }: Pick<Place, 'tables'>,
  { accountId, groups }: { accountId: string; groups: readonly string[] },
): Promise<boolean> {
  const members = await administratorMembers(tables, undefined);
  return members.accounts.includes(accountId) || groups.some((group) => members.groups.includes(group));
}

/** Accounts that can sign in and hold the role, once something has left. */
async function administrators({ tables, engine }: Place, leaving: Leaving | undefined) {
  const members = await administratorMembers(tables, leaving);
  const all = await tables
    .selectFrom('accounts')
    .leftJoin('identity_providers', 'identity_providers.id', 'accounts.provider_id')
    .select(['accounts.id', 'accounts.provider_id'])
    .where('accounts.is_enabled', '=', 1)
    .where(({ eb, or }) =>
      or([eb('accounts.provider_id', 'is', null), eb('identity_providers.is_enabled', '=', 1)]),
    )
    .where(({ eb, or }) =>
      or([
        ...(members.accounts.length === 0 ? [] : [eb('accounts.id', 'in', members.accounts)]),
        sharesElement(engine, 'accounts.group_names', members.groups),
      ]),
    )
    .execute();
  return all.filter(({ id, provider_id }) => {
    if (leaving === undefined || 'assignmentId' in leaving) return true;
    return 'accountId' in leaving ? id !== leaving.accountId : provider_id !== leaving.providerId;
  });
}

async function administratorMembers(tables: Kysely<Tables>, leaving: Leaving | undefined) {
  const left = leaving !== undefined && 'assignmentId' in leaving ? leaving.assignmentId : '';
  const assignments = await tables
    .selectFrom('role_assignments')
    .select(['member_kind', 'member'])
    .where('role_id', '=', administrator)
    .where('scope_tag_ids', 'is', null)
    .where('id', '<>', left)
    .execute();
  const of = (kind: string) =>
    assignments.filter(({ member_kind }) => member_kind === kind).map(({ member }) => member);
  return { accounts: of('account'), groups: of('group') };
}
