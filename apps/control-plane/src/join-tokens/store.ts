import { createHash, randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';
import { newId } from '../database/identifier.ts';
import type { Tables } from '../database/tables.ts';
import type { StoredRow } from '../graph/tables.ts';

/** Bytes of a secret: 256 random bits, so a fast hash is enough to keep it. */
const secretBytes = 32;

export interface NewJoinToken {
  siteId: string;
  /** Of a server that joins again under its old record. */
  serverId: string | undefined;
  createdBy: string;
  /** Milliseconds. */
  lifetime: number;
}

/** Makes a join token. Its secret is in the answer and nowhere else. */
export async function createJoinToken(
  tables: Kysely<Tables>,
  { siteId, serverId, createdBy, lifetime }: NewJoinToken,
  now: Date,
): Promise<{ row: StoredRow; secret: string }> {
  const secret = randomBytes(secretBytes).toString('base64url');
  const row = {
    id: newId(now),
    version: 1,
    secret_hash: hashOf(secret),
    site_id: siteId,
    server_id: serverId ?? null,
    created_by: createdBy,
    created_at: now.toISOString(),
    expires_at: new Date(now.getTime() + lifetime).toISOString(),
    used_at: null,
    used_by_server_id: null,
  };
  await tables.insertInto('join_tokens').values(row).execute();
  return { row, secret };
}

export type StoredJoinToken = Tables['join_tokens'];

/** The token with this secret, whatever became of it. */
export function findJoinToken(tables: Kysely<Tables>, secret: string): Promise<StoredJoinToken | undefined> {
  return tables
    .selectFrom('join_tokens')
    .selectAll()
    .where('secret_hash', '=', hashOf(secret))
    .executeTakeFirst();
}

/** Uses a token up. False when somebody else was first or it has ended: of many at once exactly one gets true. */
export async function useJoinToken(
  tables: Kysely<Tables>,
  { id }: Pick<StoredJoinToken, 'id'>,
  serverId: string,
  now: Date,
): Promise<boolean> {
  const at = now.toISOString();
  const { numUpdatedRows } = await tables
    .updateTable('join_tokens')
    .set(({ eb }) => ({ used_at: at, used_by_server_id: serverId, version: eb('version', '+', 1) }))
    .where('id', '=', id)
    .where('used_at', 'is', null)
    .where('expires_at', '>', at)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
