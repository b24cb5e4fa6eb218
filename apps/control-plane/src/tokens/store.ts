import type { Kysely } from 'kysely';
import { type Actor, recordAudit } from '../audit/record.ts';
import { databaseFailure } from '../database/failure.ts';
import { newId } from '../database/identifier.ts';
import type { Database } from '../database/open.ts';
import type { Tables } from '../database/tables.ts';
import type { Caller } from '../permissions/caller.ts';
import { knownPermissions } from '../roles/grants.ts';
import { hashToken, isTokenText, newToken } from './token-text.ts';

/** Milliseconds between two writes of the time of last use: a script may send a thousand requests a second. */
const lastUsePrecision = 60_000;

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

/** Who a token stands for; undefined when it is unknown, revoked or has ended. */
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
    .selectAll('api_tokens')
    .select('roles.permissions')
    .where('hash', '=', hashToken(text))
    .executeTakeFirst();
  if (row === undefined || row.revoked_at !== null || row.expires_at <= now.toISOString()) return undefined;
  const lastUse = row.last_used_at === null ? 0 : Date.parse(row.last_used_at);
  if (now.getTime() - lastUse > lastUsePrecision) await noteUse(tables, row.id, now);
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

async function noteUse(tables: Kysely<Tables>, id: string, now: Date): Promise<void> {
  try {
    await tables
      .updateTable('api_tokens')
      .set({ last_used_at: now.toISOString() })
      .where('id', '=', id)
      .execute();
  } catch (error) {
    // Reading goes on while the database takes no changes.
    const kind = databaseFailure(error)?.kind;
    if (kind !== 'full' && kind !== 'readOnly' && kind !== 'contended') throw error;
  }
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
