import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Database, DatabaseEngine } from '../database/open.ts';
import type { Tables } from '../database/tables.ts';

/** Holder of work that is finished and waits until it is due again. */
const nobody = 'nobody';

/**
 * The time of the database, `milliseconds` from now, as ISO 8601 text. Leases are set and compared by this one clock: those
 * of the replicas may differ by any amount without two of them holding the same lease. When the database's own clock jumps, a
 * lease ends early or late; so work under a lease must be harmless when it overlaps, and everything here is.
 */
function databaseTime(engine: DatabaseEngine, milliseconds: number): RawBuilder<string> {
  if (engine === 'sqlite') {
    const seconds = (milliseconds / 1000).toFixed(3);
    return sql<string>`strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ${`${seconds} seconds`})`;
  }
  const moment = sql`clock_timestamp() at time zone 'utc' + ${milliseconds}::integer * interval '1 millisecond'`;
  return sql<string>`to_char(${moment}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') collate "C"`;
}

type Place = Pick<Database, 'engine'> & { tables: Kysely<Tables> };

/** Takes the lease for so many milliseconds, or prolongs it. False when somebody else holds it. One statement, so that only one can win. */
export async function claimLease(
  { engine, tables }: Place,
  name: string,
  holder: string,
  milliseconds: number,
): Promise<boolean> {
  const values = { name, holder, expires_at: databaseTime(engine, milliseconds) };
  const { numInsertedOrUpdatedRows } = await tables
    .insertInto('leases')
    .values(values)
    .onConflict((conflict) =>
      conflict
        .column('name')
        .doUpdateSet(({ ref }) => ({
          holder: ref('excluded.holder'),
          expires_at: ref('excluded.expires_at'),
        }))
        .where(({ or, eb }) =>
          or([eb('leases.holder', '=', holder), eb('leases.expires_at', '<=', databaseTime(engine, 0))]),
        ),
    )
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

/** Gives a lease back that this holder has; somebody else can claim it at once. */
export async function releaseLease(
  { tables }: Pick<Place, 'tables'>,
  name: string,
  holder: string,
): Promise<void> {
  await tables.deleteFrom('leases').where('name', '=', name).where('holder', '=', holder).execute();
}

/** Gives a lease back so that nobody, this holder included, can claim it for so many milliseconds. */
export async function restLease(
  { engine, tables }: Place,
  name: string,
  holder: string,
  milliseconds: number,
): Promise<void> {
  await tables
    .updateTable('leases')
    .set({ holder: nobody, expires_at: databaseTime(engine, milliseconds) })
    .where('name', '=', name)
    .where('holder', '=', holder)
    .execute();
}

/** Names of the leases with this prefix that are in force. */
export async function leasesInForce({ engine, tables }: Place, prefix: string): Promise<string[]> {
  const rows = await tables
    .selectFrom('leases')
    .select('name')
    .where('name', '>=', prefix)
    .where('name', '<', `${prefix}\u{10ffff}`)
    .where('expires_at', '>', databaseTime(engine, 0))
    .orderBy('name')
    .execute();
  return rows.map(({ name }) => name);
}

/** Removes leases with this prefix that ended long ago, so that replicas that died leave nothing behind. */
export async function removeEndedLeases({ engine, tables }: Place, prefix: string): Promise<void> {
  await tables
    .deleteFrom('leases')
    .where('name', '>=', prefix)
    .where('name', '<', `${prefix}\u{10ffff}`)
    .where('expires_at', '<=', databaseTime(engine, 0))
    .execute();
}
