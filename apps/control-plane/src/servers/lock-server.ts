import type { Kysely } from 'kysely';
import type { Database } from '../database/open.ts';
import type { Tables } from '../database/tables.ts';

/**
 * Lets only one transaction at a time decide about a server, so that what one has read is not changed by another before it
 * writes; SQLite has one writer anyway. Comes before what is read. Check-ins of the server wait too.
 */
export async function lockServer(
  { engine, tables }: Pick<Database, 'engine'> & { tables: Kysely<Tables> },
  serverId: string,
): Promise<void> {
  await tables
    .selectFrom('servers')
    .select('id')
    .where('id', '=', serverId)
    .$if(engine === 'postgresql', (rows) => rows.forNoKeyUpdate())
    .execute();
}
