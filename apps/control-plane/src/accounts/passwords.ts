import { createHash } from 'node:crypto';
import { hashPassword, matchesHash, passwordBytes } from '@culvert/passwords/hash.ts';
import {
  formatPasswordHash,
  hashBytes,
  hashCost,
  type PasswordHash,
  parsePasswordHash,
  saltBytes,
} from '@culvert/passwords/phc.ts';
import { type Actor, recordAudit } from '../audit/record.ts';
import type { Context } from '../context.ts';
import { ApiError } from '../http/errors.ts';
import { endSessions } from './end-sessions.ts';
import { judgePassword, type PasswordProblem } from './password-rules.ts';

/** No password gives it; an unknown name is verified against it, so that it costs the same. */
export const decoyHash: PasswordHash = {
  ...hashCost,
  salt: Buffer.alloc(saltBytes, 1),
  hash: Buffer.alloc(hashBytes),
};

/** The text to store for a password that the rules allow. */
export async function hashOf({ passwordWork }: Pick<Context, 'passwordWork'>, password: string) {
  const bytes = passwordBytes(password);
  if (bytes === undefined) throw new Error('the rules let a password through that cannot be hashed');
  const hash = await passwordWork.run(() => hashPassword(bytes));
  if (hash === 'busy') throw busy();
  return formatPasswordHash(hash);
}

/** Tells one password from another without telling anything of either. */
export function passwordMarkOf(passwordHash: string | null | undefined): string {
  return createHash('sha256')
    .update(passwordHash ?? '')
    .digest('base64url');
}

export interface PasswordChange {
  accountId: string;
  /** Of the password with which the owner has proved themselves; any other since then refuses the change. */
  passwordMark: string;
  password: string;
  actor: Actor;
  exceptSessionUid?: string | undefined;
}

/**
 * Gives a local account a password of its owner's choice. It then owes no new one, and its sessions end but for the one in
 * which the password was changed. Resolves to the mark of the new password.
 */
export async function changePassword(
  context: Context,
  { accountId, passwordMark, password, actor, exceptSessionUid }: PasswordChange,
): Promise<{ ok: true; passwordMark: string } | { ok: false; message: PasswordProblem }> {
  const row = await context.database.tables
    .selectFrom('accounts')
    .select(['user_name', 'password_hash'])
    .where('id', '=', accountId)
    .where('local_name', 'is not', null)
    .executeTakeFirst();
  if (row === undefined) throw new ApiError('ResourceNotFound', `there is no local account ${accountId}`);
  if (passwordMarkOf(row.password_hash) !== passwordMark) throw changedMeanwhile();
  const problem =
    judgePassword(password, row.user_name) ?? (await judgeAgainstOld(context, password, row.password_hash));
  if (problem !== undefined) return { ok: false, message: problem };
  const hash = await hashOf(context, password);
  await context.database.tables.transaction().execute(async (tables) => {
    const { numUpdatedRows } = await tables
      .updateTable('accounts')
      .set(({ eb }) => ({
        password_hash: hash,
        must_change_password: 0,
        version: eb('version', '+', 1),
      }))
      .where('id', '=', accountId)
      // Hashing takes a while, in which an administrator may have given the account another password.
      .where('password_hash', row.password_hash === null ? 'is' : '=', row.password_hash)
      .executeTakeFirst();
    if (numUpdatedRows !== 1n) throw changedMeanwhile();
    await endSessions(tables, accountId, context.now(), exceptSessionUid);
    const object = { kind: 'account', id: accountId, name: row.user_name };
    const record = { actor, action: 'account.changePassword', object, outcome: 'success' } as const;
    await recordAudit(tables, record, context.now());
  });
  return { ok: true, passwordMark: passwordMarkOf(hash) };
}

function changedMeanwhile(): ApiError {
  return new ApiError('Conflict', 'the password was changed meanwhile; sign in again with the new one');
}

async function judgeAgainstOld(
  { passwordWork }: Context,
  password: string,
  old: string | null,
): Promise<PasswordProblem | undefined> {
  const bytes = passwordBytes(password);
  const hash = old === null ? undefined : parsePasswordHash(old);
  if (bytes === undefined || hash === undefined) return undefined;
  const isOld = await passwordWork.run(() => matchesHash(bytes, hash));
  if (isOld === 'busy') throw busy();
  return isOld ? 'passwordIsOld' : undefined;
}

function busy(): ApiError {
  return new ApiError('ServiceUnavailable', 'too many passwords are being checked now; try again shortly', {
    retryAfter: 2,
  });
}
