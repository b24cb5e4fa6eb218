import type { Kysely, Selectable } from 'kysely';
import { type Actor, type AuditRecord, recordAudit } from '../audit/record.ts';
import { newId } from '../database/identifier.ts';
import type { Tables } from '../database/tables.ts';
import { adminCentre } from './clients.ts';
import { mostUserAgent } from './request-size.ts';

export type SignInRow = Selectable<Tables['sign_in_sessions']>;

export interface NewSignIn {
  account: { id: string; userName: string };
  clientId: string;
  /** Of the browser, or of the device that asked. */
  address: string;
  userAgent: string;
  sessionUid: string;
  grantId: string;
  expiresAt: Date;
}

/** Writes down that an account is signed in to a client. */
export async function beginSignIn(
  tables: Kysely<Tables>,
  { account, clientId, address, userAgent, sessionUid, grantId, expiresAt }: NewSignIn,
  now: Date,
): Promise<SignInRow> {
  const row: SignInRow = {
    id: newId(now),
    version: 1,
    account_id: account.id,
    user_name: account.userName,
    client_id: clientId,
    address,
    user_agent: userAgent.slice(0, mostUserAgent),
    session_uid: sessionUid,
    grant_id: grantId,
    created_at: now.toISOString(),
    last_used_at: now.toISOString(),
    expires_at: expiresAt.toISOString(),
  };
  await tables.insertInto('sign_in_sessions').values(row).execute();
  return row;
}

/** The object of audit entries about a sign-in. */
export function auditObject({ id, user_name, client_id }: SignInRow) {
  return { kind: 'signInSession', id, name: `${user_name} (${client_id})` };
}

/**
 * Ends sign-ins with their grants and tokens, and says so in the audit log. Give it a transaction. With `keepBrowser`, the
 * browser goes on with another sign-in.
 */
export async function endSignIns(
  tables: Kysely<Tables>,
  which: { grantId: string } | { id: string },
  now: Date,
  describe: (row: SignInRow) => { actor: Actor } & Pick<AuditRecord, 'action' | 'detail'>,
  { keepBrowser = false }: { keepBrowser?: boolean } = {},
): Promise<number> {
  const [column, value] =
    'grantId' in which ? (['grant_id', which.grantId] as const) : (['id', which.id] as const);
  const rows = await tables.deleteFrom('sign_in_sessions').where(column, '=', value).returningAll().execute();
  if ('grantId' in which) await deleteGrant(tables, which.grantId);
  for (const row of rows) {
    await deleteGrant(tables, row.grant_id);
    if (!keepBrowser) await endBrowserSession(tables, row, now);
    await recordAudit(tables, { ...describe(row), object: auditObject(row), outcome: 'success' }, now);
  }
  return rows.length;
}

/**
 * Ends everything of an account, at once and on every replica: browsers, devices and their tokens. With
 * `exceptSessionUid`, the browser in which somebody just changed the password stays signed in.
 */
export async function endSessionsOf(
  tables: Kysely<Tables>,
  accountId: string,
  now: Date,
  exceptSessionUid?: string,
): Promise<void> {
  const kept = exceptSessionUid ?? '';
  // First, because `holdSession` waits for these rows.
  await tables
    .updateTable('openid_artifacts')
    .set({ consumed_at: now.toISOString() })
    .where('kind', '=', 'Session')
    .where('account_id', '=', accountId)
    .where('session_uid', '<>', kept)
    .where('consumed_at', 'is', null)
    .execute();
  await tables
    .deleteFrom('openid_artifacts')
    .where('account_id', '=', accountId)
    .where(({ eb, and, or, selectFrom }) =>
      and([
        eb('kind', '<>', 'Session'),
        or([
          eb('grant_id', 'is', null),
          eb(
            'grant_id',
            'not in',
            selectFrom('sign_in_sessions').select('grant_id').where('session_uid', '=', kept),
          ),
        ]),
      ]),
    )
    .execute();
  await tables
    .deleteFrom('sign_in_sessions')
    .where('account_id', '=', accountId)
    .where('session_uid', '<>', kept)
    .execute();
}

/** True when the session of a browser was ended, on whichever replica. */
export async function isEndedSession(tables: Kysely<Tables>, sessionUid: string): Promise<boolean> {
  const row = await tables
    .selectFrom('openid_artifacts')
    .select('id')
    .where('session_uid', '=', sessionUid)
    .where('kind', '=', 'Session')
    .where('consumed_at', 'is not', null)
    .executeTakeFirst();
  return row !== undefined;
}

/** Keeps the session of a browser from ending until this transaction has; false when it has ended before. */
export async function holdSession(tables: Kysely<Tables>, sessionUid: string): Promise<boolean> {
  await tables
    .updateTable('openid_artifacts')
    .set({ session_uid: sessionUid })
    .where('session_uid', '=', sessionUid)
    .where('kind', '=', 'Session')
    .where('consumed_at', 'is', null)
    .execute();
  return !(await isEndedSession(tables, sessionUid));
}

async function deleteGrant(tables: Kysely<Tables>, grantId: string): Promise<void> {
  await tables.deleteFrom('openid_artifacts').where('grant_id', '=', grantId).execute();
}

/**
 * The browser's session ends with the sign-in to the admin centre. When a device's sign-in ends, the browser that
 * confirmed it stays signed in as long as it shows up in the list by a sign-in of its own.
 */
async function endBrowserSession(
  tables: Kysely<Tables>,
  { client_id, session_uid }: SignInRow,
  now: Date,
): Promise<void> {
  if (client_id !== adminCentre) {
    const other = await tables
      .selectFrom('sign_in_sessions')
      .select('id')
      .where('session_uid', '=', session_uid)
      .where('client_id', '=', adminCentre)
      .executeTakeFirst();
    if (other !== undefined) return;
  }
  await tables
    .updateTable('openid_artifacts')
    .set({ consumed_at: now.toISOString() })
    .where('session_uid', '=', session_uid)
    .where('kind', '=', 'Session')
    .where('consumed_at', 'is', null)
    .execute();
}
