import { type Actor, recordAudit } from '../audit/record.ts';
import type { Context } from '../context.ts';
import { ApiError } from '../http/errors.ts';
import type { Account } from './account.ts';
import { makeRecoveryCodes } from './recovery-codes.ts';
import { clearSecondFactor, purposeOf } from './second-factor.ts';
import { newTotpSecret, otpauthUrl, stepOfCode } from './totp.ts';

/** Makes a secret for the app of a user. It counts only after a code has proved that the app has it. */
export async function beginSecondFactor(
  context: Context,
  account: Account,
  actor: Actor,
): Promise<{ secret: string; otpauthUrl: string }> {
  const secret = newTotpSecret();
  const { database, secrets, configuration, now } = context;
  await database.tables.transaction().execute(async (tables) => {
    const { numUpdatedRows } = await tables
      .updateTable('accounts')
      .set({ totp_secret: secrets.seal(secret, purposeOf(account.id)) })
      .where('id', '=', account.id)
      .where('has_second_factor', '=', 0)
      .where('provider_id', 'is', null)
      .executeTakeFirst();
    if (numUpdatedRows !== 1n) throw refusalOf(account);
    await recordAudit(tables, recordOf(actor, account, 'beginSecondFactor'), now());
  });
  const issuer = `Culvert ${new URL(configuration.publicUrl).hostname}`;
  return { secret, otpauthUrl: otpauthUrl(secret, issuer, account.userName) };
}

/** Turns the second factor on. Resolves to the recovery codes, which are shown this once; undefined for a wrong code. */
export async function confirmSecondFactor(
  { database, secrets, now }: Context,
  account: Account,
  code: string,
  actor: Actor,
): Promise<string[] | undefined> {
  return database.tables.transaction().execute(async (tables) => {
    const row = await tables
      .selectFrom('accounts')
      .select(['totp_secret', 'has_second_factor'])
      .where('id', '=', account.id)
      .executeTakeFirst();
    if (row?.has_second_factor === 1) throw refusalOf(account);
    if (typeof row?.totp_secret !== 'string')
      throw new ApiError('Conflict', 'no second factor was begun; begin one first');
    const step = stepOfCode(secrets.open(row.totp_secret, purposeOf(account.id)), code, now());
    if (step === undefined) return undefined;
    const { numUpdatedRows } = await tables
      .updateTable('accounts')
      .set(({ eb }) => ({
        has_second_factor: 1,
        totp_last_step: step,
        version: eb('version', '+', 1),
      }))
      .where('id', '=', account.id)
      .where('has_second_factor', '=', 0)
      .where('totp_secret', '=', row.totp_secret)
      .executeTakeFirst();
    if (numUpdatedRows !== 1n) throw refusalOf(account);
    await recordAudit(tables, recordOf(actor, account, 'confirmSecondFactor'), now());
    return makeRecoveryCodes(tables, secrets, account.id);
  });
}

/** Turns the second factor off, after a code has proved that its owner asks. */
export async function removeSecondFactor(
  { database, now }: Context,
  account: Account,
  actor: Actor,
): Promise<void> {
  await database.tables.transaction().execute(async (tables) => {
    await clearSecondFactor(tables, account.id);
    await recordAudit(tables, recordOf(actor, account, 'removeSecondFactor'), now());
  });
}

function refusalOf({ providerId }: Account): ApiError {
  return providerId === undefined
    ? new ApiError('Conflict', 'there is a second factor already; remove it first')
    : new ApiError('Conflict', 'the identity provider looks after further factors; set one up there');
}

function recordOf(actor: Actor, { id, userName }: Account, verb: string) {
  const object = { kind: 'account', id, name: userName };
  return { actor, action: `account.${verb}`, object, outcome: 'success' } as const;
}
