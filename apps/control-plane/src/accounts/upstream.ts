import type { Kysely } from 'kysely';
import { type Actor, recordAudit } from '../audit/record.ts';
import type { Context } from '../context.ts';
import { newId } from '../database/identifier.ts';
import type { Tables } from '../database/tables.ts';
import { type Account, findAccount } from './account.ts';
import type { From } from './attempt.ts';

/** Somebody as an identity provider describes them. */
export interface UpstreamUser {
  readonly providerId: string;
  /** Never given to somebody else; names and mail addresses are. */
  readonly subject: string;
  readonly userName: string;
  readonly displayName: string;
  readonly groups: readonly string[];
}

/** The account of somebody whom an identity provider has signed in: made at the first time, brought up to date afterwards. */
export async function accountOfUpstream(
  { database, now }: Pick<Context, 'database' | 'now'>,
  user: UpstreamUser,
  { address, requestId }: From,
): Promise<Account | 'disabled'> {
  return database.tables.transaction().execute(async (tables) => {
    const id = await insertOrFind(tables, user, now());
    const account = await findAccount(tables, id);
    if (account === undefined) throw new Error(`account ${id} went away while it signed in`);
    if (!account.isEnabled) return 'disabled';
    const actor: Actor = { kind: 'user', id, name: user.userName, address, requestId };
    return bringUpToDate(tables, account, user, actor, now());
  });
}

async function insertOrFind(tables: Kysely<Tables>, user: UpstreamUser, now: Date): Promise<string> {
  const { providerId, subject, userName, displayName, groups } = user;
  const id = newId(now);
  const inserted = await tables
    .insertInto('accounts')
    .values({
      id,
      version: 1,
      user_name: userName,
      local_name: null,
      display_name: displayName,
      group_names: JSON.stringify(groups),
      is_enabled: 1,
      password_hash: null,
      must_change_password: 0,
      has_second_factor: 0,
      totp_secret: null,
      totp_last_step: 0,
      provider_id: providerId,
      subject,
      created_at: now.toISOString(),
      last_sign_in_at: null,
    })
    .onConflict((conflict) => conflict.columns(['provider_id', 'subject']).doNothing())
    .executeTakeFirst();
  if (inserted.numInsertedOrUpdatedRows === 1n) {
    await recordAudit(
      tables,
      {
        actor: { kind: 'system', name: 'first sign-in through an identity provider' },
        action: 'account.create',
        object: { kind: 'account', id, name: userName },
        outcome: 'success',
        after: { userName, displayName, groups, providerId },
      },
      now,
    );
    return id;
  }
  const present = await tables
    .selectFrom('accounts')
    .select('id')
    .where('provider_id', '=', providerId)
    .where('subject', '=', subject)
    .executeTakeFirstOrThrow();
  return present.id;
}

async function bringUpToDate(
  tables: Kysely<Tables>,
  account: Account,
  { userName, displayName, groups }: UpstreamUser,
  actor: Actor,
  now: Date,
): Promise<Account> {
  const before = { userName: account.userName, displayName: account.displayName, groups: account.groups };
  const after = { userName, displayName, groups };
  if (JSON.stringify(before) === JSON.stringify(after)) return account;
  await tables
    .updateTable('accounts')
    .set(({ eb }) => ({
      user_name: userName,
      display_name: displayName,
      group_names: JSON.stringify(groups),
      version: eb('version', '+', 1),
    }))
    .where('id', '=', account.id)
    .execute();
  const object = { kind: 'account', id: account.id, name: userName };
  await recordAudit(
    tables,
    { actor, action: 'account.update', object, outcome: 'success', before, after },
    now,
  );
  return { ...account, ...after };
}
