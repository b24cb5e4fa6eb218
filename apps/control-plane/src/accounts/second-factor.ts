import type { Kysely } from 'kysely';
import { recordAudit } from '../audit/record.ts';
import type { Context } from '../context.ts';
import type { Tables } from '../database/tables.ts';
import type { Account } from './account.ts';
import type { From, Proof } from './attempt.ts';
import { isRecoveryCode, useRecoveryCode } from './recovery-codes.ts';
import { stepOfCode } from './totp.ts';

/** Checks a code that somebody typed and uses it up. */
export async function proveCode(
  context: Context,
  account: Account,
  code: string,
  from: From,
): Promise<Proof> {
  if (!account.hasSecondFactor) return { refusal: 'the account has no second factor' };
  if (!account.isEnabled) return { refusal: 'the account is disabled' };
  return isRecoveryCode(code)
    ? proveRecoveryCode(context, account, code, from)
    : proveTotp(context, account, code.replace(/\s/g, ''));
}

/** Where a secret belongs; it opens nowhere else. */
export function purposeOf(accountId: string): string {
  return `second factor of account ${accountId}`;
}

async function proveTotp(
  { database: { tables }, secrets, now }: Context,
  { id }: Account,
  code: string,
): Promise<Proof> {
  const row = await tables
    .selectFrom('accounts')
    .select('totp_secret')
    .where('id', '=', id)
    .executeTakeFirst();
  if (typeof row?.totp_secret !== 'string') return { refusal: 'the account has no second factor' };
  const step = stepOfCode(secrets.open(row.totp_secret, purposeOf(id)), code, now());
  if (step === undefined) return { refusal: 'wrong code' };
  // RFC 6238 §5.2: a code is accepted once. The condition decides between attempts at the same time.
  const { numUpdatedRows } = await tables
    .updateTable('accounts')
    .set({ totp_last_step: step })
    .where('id', '=', id)
    .where('totp_last_step', '<', step)
    .executeTakeFirst();
  return numUpdatedRows === 1n ? 'right' : { refusal: 'the code was used before' };
}

async function proveRecoveryCode(
  { database, secrets, now }: Context,
  { id, userName }: Account,
  code: string,
  { address, requestId }: From,
): Promise<Proof> {
  return database.tables.transaction().execute(async (tables): Promise<Proof> => {
    if (!(await useRecoveryCode(tables, secrets, id, code))) return { refusal: 'wrong recovery code' };
    await recordAudit(
      tables,
      {
        actor: { kind: 'user', id, name: userName, address, requestId },
        action: 'account.useRecoveryCode',
        object: { kind: 'account', id, name: userName },
        outcome: 'success',
      },
      now(),
    );
    return 'right';
  });
}

/** Takes secret and recovery codes away. */
export async function clearSecondFactor(tables: Kysely<Tables>, accountId: string): Promise<void> {
  await tables
    .updateTable('accounts')
    .set(({ eb }) => ({
      has_second_factor: 0,
      totp_secret: null,
      totp_last_step: 0,
      version: eb('version', '+', 1),
    }))
    .where('id', '=', accountId)
    .execute();
  await tables.deleteFrom('account_recovery_codes').where('account_id', '=', accountId).execute();
}
