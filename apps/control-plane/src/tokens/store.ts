import type { Kysely } from 'kysely';
import { type Actor, recordAudit } from '../audit/record.ts';
import { newId } from '../database/identifier.ts';
import { noteLastUse } from '../database/last-use.ts';
import type { Database } from '../database/open.ts';
import type { Tables } from '../database/tables.ts';
import type { Caller } from '../permissions/caller.ts';
import { knownPermissions } from '../roles/grants.ts';
import { hashToken, isTokenText, newToken } from './token-text.ts';

export interface NewToken {
  displayName: string;
  roleId: string;
  /** Undefined reaches every scope. */
  scopeTagIds: readonly string[] | undefined;
  lifetime: number;
}

/** Makes a token. Its text is in the answer and nowhere else. */
export async function createToken(
  tables: Kysely<Tables>,
  { displayName, roleId, scopeTagIds, lifetime }: NewToken,
  actor: Actor,
  now: Date,
): Promise<{ id: string; token: string; expiresAt: string }> {
  const token = newToken();
  const id = newId(now);
  const expiresAt = new Date(now.getTime() + lifetime).toISOString();
  await tables
    .insertInto('api_tokens')
    .values({
      id,
      version: 1,
      display_name: displayName,
      hash: hashToken(token),
      hint: token.slice(-4),
      role_id: roleId,
      scope_tag_ids: scopeTagIds === undefined ? null : JSON.stringify(scopeTagIds),
      created_at: now.toISOString(),
      created_by: actor.name,
      created_by_account: await accountBehind(tables, actor),
      expires_at: expiresAt,
      last_used_at: null,
      revoked_at: null,
    })
    .execute();
  const after = { displayName, roleId, scopeTagIds: scopeTagIds ?? 'all', expiresAt };
  const object = { kind: 'apiToken', id, name: displayName };
  await recordAudit(tables, { actor, action: 'apiToken.create', object, outcome: 'success', after }, now);
  return { id, token, expiresAt };
}

/** The account that answers for what an actor makes. A token that makes another one has the account of its own maker. */
async function accountBehind(tables: Kysely<Tables>, { kind, id }: Actor): Promise<string | null> {
  if (kind !== 'token') return kind === 'user' ? (id ?? null) : null;
  const maker = await tables
    .selectFrom('api_tokens')
    .select('created_by_account')
    .where('id', '=', id ?? '')
    .executeTakeFirst();
  return maker?.created_by_account ?? null;
}

/** Who a token stands for; undefined when it is unknown, revoked or has ended, or when its maker cannot sign in any more. */
export async function callerOfToken(
  { tables }: Database,
  text: string,
  from: { address: string; requestId: string },
  now: Date,
): Promise<Caller | undefined> {
  if (!isTokenText(text)) return undefined;
  const row = await tables
    .selectFrom('api_tokens')
    .innerJoin('roles', 'roles.id', 'api_tokens.role_id')
    .leftJoin('accounts', 'accounts.id', 'api_tokens.created_by_account')
    .leftJoin('identity_providers', 'identity_providers.id', 'accounts.provider_id')
    .selectAll('api_tokens')
    .select(['roles.permissions', 'accounts.is_enabled'])
    .select('identity_providers.is_enabled as is_provider_enabled')
    .where('hash', '=', hashToken(text))
    .executeTakeFirst();
  if (row === undefined || row.revoked_at !== null || row.expires_at <= now.toISOString()) return undefined;
  const isMakerIn = row.is_enabled === 1 && row.is_provider_enabled !== 0;
  if (row.created_by_account !== null && !isMakerIn) return undefined;
  const { id } = row;
  await noteLastUse(row.last_used_at, now, () =>
    tables.updateTable('api_tokens').set({ last_used_at: now.toISOString() }).where('id', '=', id).execute(),
  );
  return {
    actor: { kind: 'token', id: row.id, name: row.display_name, ...from },
    grants: [
      {
        permissions: new Set(knownPermissions(row.permissions)),
        scopeTagIds: row.scope_tag_ids === null ? 'all' : new Set<string>(JSON.parse(row.scope_tag_ids)),
      },
    ],
  };
}

/** Ends a token for good. False when there is none that is still in force. */
export async function revokeToken(
  tables: Kysely<Tables>,
  id: string,
  actor: Actor,
  now: Date,
): Promise<boolean> {
  const row = await tables
    .updateTable('api_tokens')
    .set(({ eb }) => ({ revoked_at: now.toISOString(), version: eb('version', '+', 1) }))
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .returning(['display_name'])
    .executeTakeFirst();
  if (row === undefined) return false;
  const object = { kind: 'apiToken', id, name: row.display_name };
  await recordAudit(tables, { actor, action: 'apiToken.revoke', object, outcome: 'success' }, now);
  return true;
}

/** Ends the tokens of an account that is disabled or deleted, in the transaction that does it. */
export async function revokeTokensOf(
  tables: Kysely<Tables>,
  accountId: string,
  actor: Actor,
  now: Date,
): Promise<void> {
  const rows = await tables
    .selectFrom('api_tokens')
    .select('id')
    .where('created_by_account', '=', accountId)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', now.toISOString())
    .execute();
  for (const { id } of rows) await revokeToken(tables, id, actor, now);
}
