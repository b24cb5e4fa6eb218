import { createHmac } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import type { SecretBox } from '../secrets/secret-box.ts';
import { randomText } from './generated-password.ts';

export const recoveryCodeCount = 8;
const letters = 10;

/** True when somebody typed a recovery code rather than the six digits of an app. */
export function isRecoveryCode(typed: string): boolean {
  return plainCode(typed).length === letters;
}

/** Makes the codes of an account anew. They are in the answer and nowhere else. */
export async function makeRecoveryCodes(
  tables: Kysely<Tables>,
  secrets: SecretBox,
  accountId: string,
): Promise<string[]> {
  const codes = Array.from({ length: recoveryCodeCount }, () => randomText(letters, letters / 2));
  await tables.deleteFrom('account_recovery_codes').where('account_id', '=', accountId).execute();
  await tables
    .insertInto('account_recovery_codes')
    .values(codes.map((code) => ({ account_id: accountId, hash: hashCode(secrets, accountId, code) })))
    .execute();
  return codes;
}

/** Takes a code away; false when the account has none like this. */
export async function useRecoveryCode(
  tables: Kysely<Tables>,
  secrets: SecretBox,
  accountId: string,
  typed: string,
): Promise<boolean> {
  const { numDeletedRows } = await tables
    .deleteFrom('account_recovery_codes')
    .where('account_id', '=', accountId)
    .where('hash', '=', hashCode(secrets, accountId, typed))
    .executeTakeFirst();
  return numDeletedRows === 1n;
}

/** Fifty random bits are too few for a plain hash; with a key that is not in the database they are enough. */
function hashCode(secrets: SecretBox, accountId: string, code: string): string {
  return createHmac('sha256', secrets.deriveKey('recovery codes'))
    .update(`${accountId} ${plainCode(code)}`)
    .digest('hex');
}

function plainCode(typed: string): string {
  return typed.slice(0, 100).replace(/[\s-]/g, '').toLowerCase();
}
