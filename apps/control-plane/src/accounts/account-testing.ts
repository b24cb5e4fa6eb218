import type { Context } from '../context.ts';
import { newId } from '../database/identifier.ts';
import { localNameOf } from './account.ts';
import type { From } from './attempt.ts';
import { passwordMarkOf } from './passwords.ts';

export const goodPassword = 'seven tall ships';
/** Its hash, so that tests need not wait for one each. */
const hashOfGoodPassword =
  '$argon2id$v=19$m=19456,t=2,p=1$O0wy/jiC0ImyvTiNmg11nQ$uRy0W62AJwmL34TFSAAzU9Gxn1I81HC5VDVyFvNIHc8';

/** Of an account that has the good password. */
export const goodPasswordMark = passwordMarkOf(hashOfGoodPassword);

/** An attempt from this address. */
export const from = (address = '192.0.2.7'): From => ({ address, requestId: 'request' });

/** Makes a local account and resolves to its identifier. */
export async function makeAccount(
  context: Pick<Context, 'database' | 'now' | 'passwordWork'>,
  userName: string,
  columns: { id?: string; is_enabled?: number; must_change_password?: number; group_names?: string } = {},
): Promise<string> {
  const id = columns.id ?? newId(context.now());
  await context.database.tables
    .insertInto('accounts')
    .values({
      id,
      version: 1,
      user_name: userName,
      local_name: localNameOf(userName),
      display_name: userName,
      group_names: '[]',
      is_enabled: 1,
      password_hash: hashOfGoodPassword,
      must_change_password: 0,
      has_second_factor: 0,
      totp_secret: null,
      totp_last_step: 0,
      provider_id: null,
      subject: null,
      created_at: context.now().toISOString(),
      last_sign_in_at: null,
      ...columns,
    })
    .execute();
  return id;
}

/** Gives an account a role. */
export async function assign(
  context: Pick<Context, 'database' | 'now' | 'passwordWork'>,
  memberKind: 'account' | 'group',
  member: string,
  roleId: string,
): Promise<void> {
  const id = newId(context.now());
  await context.database.tables
    .insertInto('role_assignments')
    .values({ id, version: 1, role_id: roleId, member_kind: memberKind, member, scope_tag_ids: null })
    .execute();
}
