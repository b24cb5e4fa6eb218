import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import type { SecretBox } from '../secrets/secret-box.ts';

/** A service of the organisation that signs people in (OpenID Connect). */
export interface IdentityProvider {
  readonly id: string;
  /** Another one after each change. */
  readonly version: number;
  readonly displayName: string;
  readonly issuer: string;
  readonly clientId: string;
  /** Undefined for a public client. */
  readonly clientSecret: string | undefined;
  readonly scopes: readonly string[];
  readonly userNameClaim: string;
  readonly groupsClaim: string;
  /** An empty list lets everybody of the provider in. */
  readonly allowedGroups: readonly string[];
  readonly isEnabled: boolean;
}

/** The providers that people may choose from, by name. */
export function listEnabledProviders(tables: Kysely<Tables>): Promise<{ id: string; displayName: string }[]> {
  return tables
    .selectFrom('identity_providers')
    .select(['id', 'display_name as displayName'])
    .where('is_enabled', '=', 1)
    .orderBy('display_name')
    .orderBy('id')
    .execute();
}

/** The provider of this identifier, with its secret opened. */
export async function findProvider(
  tables: Kysely<Tables>,
  secrets: SecretBox,
  id: string,
): Promise<IdentityProvider | undefined> {
  const row = await tables
    .selectFrom('identity_providers')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    id: row.id,
    version: row.version,
    displayName: row.display_name,
    issuer: row.issuer,
    clientId: row.client_id,
    clientSecret:
      row.client_secret === null ? undefined : secrets.open(row.client_secret, purposeOf(row.issuer)),
    scopes: JSON.parse(row.scopes),
    userNameClaim: row.user_name_claim,
    groupsClaim: row.groups_claim,
    allowedGroups: JSON.parse(row.allowed_groups),
    isEnabled: row.is_enabled === 1,
  };
}

/** A client secret opens for its issuer only, so that it is never sent to another one. */
export function purposeOf(issuer: string): string {
  return `client secret for ${issuer}`;
}
