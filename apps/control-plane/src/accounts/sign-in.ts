import { matchesHash, passwordBytes } from '@culvert/passwords/hash.ts';
import { type PasswordHash, parsePasswordHash } from '@culvert/passwords/phc.ts';
import { type Actor, recordAudit } from '../audit/record.ts';
import type { Context } from '../context.ts';
import { type Account, findAccount, findLocalAccount } from './account.ts';
import { addressKeyOf, noAddress } from './address-key.ts';
import { attempt, type From, type Proof } from './attempt.ts';
import { decoyHash, passwordMarkOf } from './passwords.ts';
import { proveCode } from './second-factor.ts';
import { forgetFailures } from './throttle.ts';

export type { From } from './attempt.ts';

export type PasswordCheck =
  | { kind: 'accepted'; account: Account }
  | { kind: 'refused' }
  /** Seconds. */
  | { kind: 'throttled'; retryAfter: number }
  /** More attempts at the same time than this process has room for. */
  | { kind: 'busy' };

/** With the mark of the password that was right: it may be another one by the time the next step is taken. */
export type MarkedPasswordCheck =
  | { kind: 'accepted'; account: Account; passwordMark: string }
  | Exclude<PasswordCheck, { kind: 'accepted' }>;

/** Addresses of an account that are remembered; the oldest goes. */
const mostAddresses = 20;

/**
 * Unknown name, wrong password and disabled account cost the same time and look the same. Failures are audited and
 * counted.
 */
export async function checkPassword(
  context: Context,
  userName: string,
  password: string,
  from: From,
): Promise<MarkedPasswordCheck> {
  const found = await findLocalAccount(context.database.tables, userName);
  const prove = () => provePassword(context, found, password);
  const result = await attempt(context, userName, from, prove);
  if (result.kind !== 'accepted') return result;
  if (found === undefined) return { kind: 'refused' };
  return { kind: 'accepted', account: found.account, passwordMark: passwordMarkOf(found.passwordHash) };
}

/** The six digits of the second factor, or a recovery code. Each works once. Failures are counted by the same throttle. */
export async function checkCode(
  context: Context,
  accountId: string,
  code: string,
  from: From,
): Promise<PasswordCheck> {
  const account = await findAccount(context.database.tables, accountId);
  if (account === undefined) return { kind: 'refused' };
  const prove = () => proveCode(context, account, code, from);
  const result = await attempt(context, account.userName, from, prove);
  return result.kind === 'accepted' ? { kind: 'accepted', account } : result;
}

/** What an account must still do before it is signed in. */
export function nextStep(account: Account, done: { code: boolean }): 'code' | 'newPassword' | 'done' {
  // An identity provider looks after passwords and further factors itself.
  if (account.providerId !== undefined) return 'done';
  if (account.hasSecondFactor && !done.code) return 'code';
  return account.mustChangePassword ? 'newPassword' : 'done';
}

/** Writes the successful sign-in. `method` says how, such as `password`, `password+totp` or `upstream`. */
export async function completeSignIn(
  context: Context,
  { id, userName, providerId }: Account,
  method: string,
  { address, requestId }: From,
): Promise<void> {
  const now = context.now();
  await context.database.tables.transaction().execute(async (tables) => {
    await tables
      .updateTable('accounts')
      .set({ last_sign_in_at: now.toISOString() })
      .where('id', '=', id)
      .execute();
    if (providerId === undefined) {
      await forgetFailures(tables, userName, address);
      const addressKey = addressKeyOf(address);
      if (addressKey !== noAddress) await rememberAddress(tables, id, addressKey, now);
    }
    const actor: Actor = { kind: 'user', id, name: userName, address, requestId };
    const object = { kind: 'account', id, name: userName };
    await recordAudit(tables, { actor, action: 'signIn', object, outcome: 'success', detail: method }, now);
  });
}

async function provePassword(
  { passwordWork }: Context,
  found: { account: Account; passwordHash: string | null } | undefined,
  password: string,
): Promise<Proof> {
  // A password beyond the size limit costs the same as any other.
  const bytes = passwordBytes(password);
  const expected = parseStored(found?.passwordHash);
  const matches = await passwordWork.run(() => matchesHash(bytes ?? Buffer.of(0), expected ?? decoyHash));
  if (matches === 'busy') return 'busy';
  if (found === undefined) return { refusal: 'there is no local account of this name' };
  if (!matches || bytes === undefined || expected === undefined) return { refusal: 'wrong password' };
  return found.account.isEnabled ? 'right' : { refusal: 'the account is disabled' };
}

function parseStored(hash: string | null | undefined): PasswordHash | undefined {
  return typeof hash === 'string' ? parsePasswordHash(hash) : undefined;
}

async function rememberAddress(
  tables: Context['database']['tables'],
  accountId: string,
  addressKey: string,
  now: Date,
): Promise<void> {
  const at = now.toISOString();
  await tables
    .insertInto('account_addresses')
    .values({ account_id: accountId, address_key: addressKey, last_sign_in_at: at })
    .onConflict((conflict) =>
      conflict.columns(['account_id', 'address_key']).doUpdateSet({ last_sign_in_at: at }),
    )
    .execute();
  const kept = tables
    .selectFrom('account_addresses')
    .select('address_key')
    .where('account_id', '=', accountId)
    .orderBy('last_sign_in_at', 'desc')
    .orderBy('address_key')
    .limit(mostAddresses);
  await tables
    .deleteFrom('account_addresses')
    .where('account_id', '=', accountId)
    .where('address_key', 'not in', kept)
    .execute();
}
