import { createHash } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { Context } from '../context.ts';
import type { Tables } from '../database/tables.ts';
import { localNameOf } from './account.ts';
import { addressKeyOf } from './address-key.ts';
import {
  addressRule,
  countFailure,
  type FailureCount,
  knownAddressRule,
  type ThrottleRule,
  unknownAddressRule,
  waitOf,
} from './throttle-rule.ts';

/** Tries to count while other attempts count too; who loses this often waits a second instead. */
const mostTries = 5;
/** Rows that one purge removes at most, so that it never holds others up. */
const purgeBatch = 1_000;

/** An attempt that was counted as a failure before it was made, so that many at once cannot pass under the count. */
export interface Reservation {
  readonly entries: readonly Counted[];
  /** Attempts before this one that were turned away unseen. */
  readonly refused: number;
}

export type Admission =
  | { kind: 'admitted'; reservation: Reservation }
  /** `isFirst` tells the first attempt that was turned away since the last one that was admitted. */
  | { kind: 'throttled'; retryAfter: number; isFirst: boolean };

interface Place {
  key: string;
  rule: ThrottleRule;
}

interface Counted extends Place {
  version: number;
  before: FailureCount | undefined;
}

/**
 * Lets an attempt for this name, or for none, from this address through, or says after how many seconds the next one may
 * come.
 */
export async function admitAttempt(
  { database: { tables }, now }: Pick<Context, 'database' | 'now'>,
  userName: string | undefined,
  address: string,
): Promise<Admission> {
  const places = await placesOf(tables, userName, address);
  for (let tries = 0; tries < mostTries; tries += 1) {
    const time = now().getTime();
    const rows = await readRows(tables, places);
    const waits = places.map(({ key, rule }) => ({
      key,
      wait: waitOf(rule, countOf(rows.get(key)), time),
    }));
    const [longest] = waits.toSorted((one, other) => other.wait - one.wait);
    if (longest !== undefined && longest.wait > 0) {
      const isFirst = await countRefused(tables, longest.key);
      return { kind: 'throttled', retryAfter: Math.ceil(longest.wait / 1_000), isFirst };
    }
    const entries = places.map((place) => ({
      ...place,
      version: (rows.get(place.key)?.version ?? 0) + 1,
      before: countOf(rows.get(place.key)),
    }));
    if (await writeCounts(tables, entries, time)) {
      const refused = [...rows.values()].reduce((sum, row) => sum + row.refused, 0);
      return { kind: 'admitted', reservation: { entries, refused } };
    }
  }
  return { kind: 'throttled', retryAfter: 1, isFirst: false };
}

/** Takes the count of an attempt back: it was no failure. */
export async function releaseAttempt(tables: Kysely<Tables>, { entries }: Reservation): Promise<void> {
  for (const { key, version, before } of entries) {
    const { numUpdatedRows } = await tables
      .updateTable('sign_in_throttle')
      .set({
        version: version + 1,
        failures: before?.failures ?? 0,
        ...(before === undefined ? {} : { last_failure_at: new Date(before.lastFailureAt).toISOString() }),
      })
      .where('key', '=', key)
      .where('version', '=', version)
      .executeTakeFirst();
    if (numUpdatedRows === 1n) continue;
    // Somebody else has counted since; their time of the last failure stays.
    await tables
      .updateTable('sign_in_throttle')
      .set(({ eb }) => ({ version: eb('version', '+', 1), failures: eb('failures', '-', 1) }))
      .where('key', '=', key)
      .where('failures', '>', 0)
      .execute();
  }
}

/** Forgets the failures of an account that has signed in from here. Those of the address stay: others may be behind it. */
export async function forgetFailures(
  tables: Kysely<Tables>,
  userName: string,
  address: string,
): Promise<void> {
  await tables
    .deleteFrom('sign_in_throttle')
    .where('key', 'in', [unknownKey(userName), knownKey(userName, addressKeyOf(address))])
    .execute();
}

/** Forgets the failures of an account from wherever they came: somebody has given it another password. */
export async function forgetAllFailures(tables: Kysely<Tables>, userName: string): Promise<void> {
  await tables
    .deleteFrom('sign_in_throttle')
    .where('key', 'like', `${unknownKey(userName)}%`)
    .execute();
}

/** Removes counts that no longer matter. True when there may be more. */
export async function purgeThrottle(tables: Kysely<Tables>, now: Date, most = purgeBatch): Promise<boolean> {
  const ended = tables
    .selectFrom('sign_in_throttle')
    .select('key')
    .where('expires_at', '<=', now.toISOString())
    .limit(most);
  const { numDeletedRows } = await tables
    .deleteFrom('sign_in_throttle')
    .where('key', 'in', ended)
    .where('expires_at', '<=', now.toISOString())
    .executeTakeFirst();
  return Number(numDeletedRows) === most;
}

async function placesOf(
  tables: Kysely<Tables>,
  userName: string | undefined,
  address: string,
): Promise<Place[]> {
  const addressKey = addressKeyOf(address);
  const ofAddress = { key: `address ${addressKey}`, rule: addressRule };
  if (userName === undefined) return [ofAddress];
  const known = await tables
    .selectFrom('account_addresses')
    .innerJoin('accounts', 'accounts.id', 'account_addresses.account_id')
    .select('account_id')
    .where('local_name', '=', localNameOf(userName))
    .where('address_key', '=', addressKey)
    .executeTakeFirst();
  const ofAccount =
    known === undefined
      ? { key: unknownKey(userName), rule: unknownAddressRule }
      : { key: knownKey(userName, addressKey), rule: knownAddressRule };
  return [ofAccount, ofAddress];
}

/** Names are hashed: somebody may type a password there. Unknown names count like known ones, so neither can be told. */
function unknownKey(userName: string): string {
  return `account ${createHash('sha256').update(localNameOf(userName)).digest('hex')}`;
}

function knownKey(userName: string, addressKey: string): string {
  return `${unknownKey(userName)} ${addressKey}`;
}

type Row = Tables['sign_in_throttle'];

async function readRows(tables: Kysely<Tables>, places: readonly Place[]): Promise<Map<string, Row>> {
  const keys = places.map(({ key }) => key);
  const rows = await tables.selectFrom('sign_in_throttle').selectAll().where('key', 'in', keys).execute();
  return new Map(rows.map((row) => [row.key, row]));
}

function countOf(row: Row | undefined): FailureCount | undefined {
  return row === undefined
    ? undefined
    : { failures: row.failures, lastFailureAt: Date.parse(row.last_failure_at) };
}

/** Writes every count, or none when another attempt was faster with one of them. */
async function writeCounts(
  tables: Kysely<Tables>,
  entries: readonly Counted[],
  time: number,
): Promise<boolean> {
  try {
    // Always account before address, so that no two attempts wait for each other.
    await tables.transaction().execute(async (transaction) => {
      for (const entry of entries) if (!(await writeCount(transaction, entry, time))) throw new Overtaken();
    });
    return true;
  } catch (error) {
    if (error instanceof Overtaken) return false;
    throw error;
  }
}

class Overtaken extends Error {}

async function writeCount(
  tables: Kysely<Tables>,
  { key, rule, version, before }: Counted,
  time: number,
): Promise<boolean> {
  const { failures, lastFailureAt } = countFailure(rule, before, time);
  const columns = {
    version,
    failures,
    last_failure_at: new Date(lastFailureAt).toISOString(),
    refused: 0,
    expires_at: new Date(lastFailureAt + rule.forgetAfter).toISOString(),
  };
  if (version === 1) {
    const { numInsertedOrUpdatedRows } = await tables
      .insertInto('sign_in_throttle')
      .values({ key, ...columns })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    return numInsertedOrUpdatedRows === 1n;
  }
  const { numUpdatedRows } = await tables
    .updateTable('sign_in_throttle')
    .set(columns)
    .where('key', '=', key)
    .where('version', '=', version - 1)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

async function countRefused(tables: Kysely<Tables>, key: string): Promise<boolean> {
  const row = await tables
    .updateTable('sign_in_throttle')
    .set(({ eb }) => ({ refused: eb('refused', '+', 1) }))
    .where('key', '=', key)
    .returning('refused')
    .executeTakeFirst();
  return row?.refused === 1;
}
