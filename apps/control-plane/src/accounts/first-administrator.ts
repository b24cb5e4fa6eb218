import { recordAudit } from '../audit/record.ts';
import type { Context } from '../context.ts';
import { newId } from '../database/identifier.ts';
import { localNameOf } from './account.ts';
import { generatedPassword } from './generated-password.ts';
import { hashOf } from './passwords.ts';

const userName = 'admin';

/**
 * At the first start: makes the account `admin` with a generated password that must be changed, holding the role
 * `administrator`. Resolves to the password once, to undefined ever after. Several replicas starting together make one.
 */
export async function ensureFirstAdministrator(
  context: Pick<Context, 'database' | 'now' | 'passwordWork'>,
): Promise<{ userName: string; password: string } | undefined> {
  const { database, now } = context;
  const anybody = await database.tables.selectFrom('accounts').select('id').limit(1).executeTakeFirst();
  if (anybody !== undefined) return undefined;
  const password = generatedPassword();
  const passwordHash = await hashOf(context, password);
  const isOurs = await database.tables.transaction().execute(async (tables) => {
    const id = newId(now());
    // Only one replica can insert the name; the others find it taken.
    const { numInsertedOrUpdatedRows } = await tables
      .insertInto('accounts')
      .values({
        id,
        version: 1,
        user_name: userName,
        local_name: localNameOf(userName),
        display_name: 'Administrator',
        group_names: '[]',
        is_enabled: 1,
        password_hash: passwordHash,
        must_change_password: 1,
        has_second_factor: 0,
        totp_secret: null,
        totp_last_step: 0,
        provider_id: null,
        subject: null,
        created_at: now().toISOString(),
        last_sign_in_at: null,
      })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (numInsertedOrUpdatedRows !== 1n) return false;
    const assignment = {
      role_id: 'administrator',
      member_kind: 'account',
      member: id,
      scope_tag_ids: null,
    };
    await tables
      .insertInto('role_assignments')
      .values({ id: newId(now()), version: 1, ...assignment })
      .execute();
    await recordAudit(
      tables,
      {
        actor: { kind: 'system', name: 'first start' },
        action: 'account.create',
        object: { kind: 'account', id, name: userName },
        outcome: 'success',
        after: { userName, roleId: assignment.role_id },
      },
      now(),
    );
    return true;
  });
  return isOurs ? { userName, password } : undefined;
}
