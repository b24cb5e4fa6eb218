import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';

/** Somebody who can sign in. */
export interface Account {
  readonly id: string;
  readonly userName: string;
  readonly displayName: string;
  readonly groups: readonly string[];
  /** False too while the identity provider of the account is disabled. */
  readonly isEnabled: boolean;
  readonly mustChangePassword: boolean;
  readonly hasSecondFactor: boolean;
  /** The identity provider that knows the account; undefined for a local one. */
  readonly providerId: string | undefined;
}

/** Longest name that is looked at; nobody's is longer. */
const longestName = 256;

/**
 * The name by which a local account is found: the same whichever width, case and composition a keyboard gives
 * (RFC 8265 §3.3).
 */
export function localNameOf(userName: string): string {
  return userName.slice(0, longestName).normalize('NFKC').trim().toLowerCase();
}

/** The account of this identifier. */
export async function findAccount(tables: Kysely<Tables>, id: string): Promise<Account | undefined> {
  const row = await selectAccounts(tables).where('accounts.id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : accountOfRow(row);
}

/** The local account of this name, with the hash of its password. */
export async function findLocalAccount(
  tables: Kysely<Tables>,
  userName: string,
): Promise<{ account: Account; passwordHash: string | null } | undefined> {
  const row = await selectAccounts(tables).where('local_name', '=', localNameOf(userName)).executeTakeFirst();
  return row === undefined ? undefined : { account: accountOfRow(row), passwordHash: row.password_hash };
}

function selectAccounts(tables: Kysely<Tables>) {
  return tables
    .selectFrom('accounts')
    .leftJoin('identity_providers', 'identity_providers.id', 'accounts.provider_id')
    .selectAll('accounts')
    .select('identity_providers.is_enabled as is_provider_enabled');
}

type AccountRow = Awaited<ReturnType<ReturnType<typeof selectAccounts>['executeTakeFirstOrThrow']>>;

function accountOfRow(row: AccountRow): Account {
  return {
    id: row.id,
    userName: row.user_name,
    displayName: row.display_name,
    groups: JSON.parse(row.group_names),
    isEnabled: row.is_enabled === 1 && row.is_provider_enabled !== 0,
    mustChangePassword: row.must_change_password === 1,
    hasSecondFactor: row.has_second_factor === 1,
    providerId: row.provider_id ?? undefined,
  };
}
