import type { Context } from '../context.ts';
import { noteLastUse } from '../database/last-use.ts';
import type { Caller } from '../permissions/caller.ts';
import { grantsOf } from '../roles/grants.ts';
import { hashArtifact } from './artifact-hash.ts';

/**
 * Who an access token stands for: looked up on every request, together with the sign-in and the account, so that what was
 * ended or disabled is out at once on every replica. Undefined when any of them does not count any more.
 */
export async function callerOfAccessToken(
  { database }: Pick<Context, 'database'>,
  token: string,
  from: { address: string; requestId: string },
  now: Date,
): Promise<Caller | undefined> {
  const { tables } = database;
  const row = await tables
    .selectFrom('openid_artifacts as token')
    .innerJoin('sign_in_sessions as session', 'session.grant_id', 'token.grant_id')
    .innerJoin('accounts', 'accounts.id', 'session.account_id')
    .leftJoin('identity_providers', 'identity_providers.id', 'accounts.provider_id')
    .select(['token.scope', 'token.session_uid', 'session.id as session_id', 'session.last_used_at'])
    .select(['accounts.id as account_id', 'accounts.user_name', 'accounts.group_names'])
    .select('identity_providers.is_enabled as is_provider_enabled')
    .where('token.id', '=', hashArtifact('AccessToken', token))
    .where('token.kind', '=', 'AccessToken')
    .where('token.expires_at', '>', now.toISOString())
    .where('session.expires_at', '>', now.toISOString())
    .where('accounts.is_enabled', '=', 1)
    .where('accounts.must_change_password', '=', 0)
    .executeTakeFirst();
  if (row === undefined || row.is_provider_enabled === 0) return undefined;
  if (!(row.scope ?? '').split(' ').includes('api')) return undefined;
  const { session_id: id } = row;
  await noteLastUse(row.last_used_at, now, () =>
    tables
      .updateTable('sign_in_sessions')
      .set({ last_used_at: now.toISOString() })
      .where('id', '=', id)
      .execute(),
  );
  return {
    actor: { kind: 'user', id: row.account_id, name: row.user_name, ...from },
    grants: await grantsOf(database, { accountId: row.account_id, groups: JSON.parse(row.group_names) }),
    sessionUid: row.session_uid ?? undefined,
  };
}
