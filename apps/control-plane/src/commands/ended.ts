import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';

/** Milliseconds for which a command is listed; the audit log tells of it as long as of everything. */
const kept = 90 * 86_400_000;
/** Rows of one statement, so that none holds the database for long. */
const batch = 500;

/** Gives up commands that nobody carried out in time, and forgets old ones. True when there may be more to forget. */
export async function endCommands(tables: Kysely<Tables>, now: Date): Promise<boolean> {
  const at = now.toISOString();
  await tables
    .updateTable('server_commands')
    .set({ state: 'expired', detail: 'the server did not check in within a day', finished_at: at })
    .where('state', '=', 'waiting')
    .where('expires_at', '<=', at)
    .execute();
  await tables
    .updateTable('server_commands')
    .set({ state: 'expired', detail: 'the server got it and did not say what came of it', finished_at: at })
    .where('state', '=', 'sent')
    .where('expires_at', '<=', at)
    .execute();
  const { numDeletedRows } = await tables
    .deleteFrom('server_commands')
    .where('id', 'in', (query) =>
      query
        .selectFrom('server_commands')
        .select('id')
        .where('created_at', '<', new Date(now.getTime() - kept).toISOString())
        .limit(batch),
    )
    .executeTakeFirst();
  return numDeletedRows >= batch;
}
