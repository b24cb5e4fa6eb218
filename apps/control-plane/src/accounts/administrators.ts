import type { Kysely } from 'kysely';
import type { DatabaseEngine } from '../database/open.ts';
import type { Tables } from '../database/tables.ts';
import { ApiError } from '../http/errors.ts';
import { sharesElement } from '../odata/apply.ts';

const administrator = 'administrator';

/** Accounts that are about to lose the role or the way in. */
export type Leaving = { accountId: string } | { providerId: string };

interface Place {
  tables: Kysely<Tables>;
  engine: DatabaseEngine;
}

/**
 * Throws when nobody would be left who can sign in and holds the role `administrator` over everything. Accounts that are
 * not administrators leave freely. Call it in the transaction of the change, before the change.
 */
export async function requireAnotherAdministrator(place: Place, leaving: Leaving): Promise<void> {
  // Writing to the row makes changes on other replicas wait, so that two cannot each rely on the other's administrator.
  await place.tables
    .updateTable('roles')
    .set(({ ref }) => ({ version: ref('version') }))
    .where('id', '=', administrator)
    .execute();
  const all = await administrators(place);
  const leaves = ({ id, provider_id }: (typeof all)[number]) =>
    'accountId' in leaving ? id === leaving.accountId : provider_id === leaving.providerId;
  if (!all.some(leaves) || !all.every(leaves)) return;
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
  const members = await administratorMembers(tables);
  return members.accounts.includes(accountId) || groups.some((group) => members.groups.includes(group));
}

async function administrators({ tables, engine }: Place) {
  const members = await administratorMembers(tables);
  return tables
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
}

async function administratorMembers(tables: Kysely<Tables>) {
  const assignments = await tables
    .selectFrom('role_assignments')
    .select(['member_kind', 'member'])
    .where('role_id', '=', administrator)
    .where('scope_tag_ids', 'is', null)
    .execute();
  const of = (kind: string) =>
    assignments.filter(({ member_kind }) => member_kind === kind).map(({ member }) => member);
  return { accounts: of('account'), groups: of('group') };
}
