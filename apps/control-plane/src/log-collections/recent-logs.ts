import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Kysely } from 'kysely';
import type { Context } from '../context.ts';
import { newId } from '../database/identifier.ts';
import type { Tables } from '../database/tables.ts';

const unpack = promisify(gunzip);
/** Days for which lines that servers send by themselves are kept. */
const keptDays = 7;
/** Uploads that are kept of one server: a week of hours has 168, and an agent that sends without end must not fill the disk. */
const mostKept = 250;
/** Bytes of lines that 256 KiB may hold; more is no log but an attempt to fill the memory. */
const mostUnpacked = 16 * 1024 * 1024;
/** Rows of one transaction. */
const batch = 500;

/** Lines in gzip, counted. Throws when the bytes are no gzip, or hold more than lines of a log would. */
export async function countLines(packed: Buffer): Promise<number> {
  const text = await unpack(packed, { maxOutputLength: mostUnpacked });
  let lines = 0;
  for (const byte of text) if (byte === 10) lines += 1;
  return lines;
}

/** Keeps what a server has sent, and that it has; without lines only that. */
export async function storeRecentLogs(
  tables: Kysely<Tables>,
  serverId: string,
  { packed, lines }: { packed: Buffer; lines: number },
  now: Date,
): Promise<void> {
  if (lines > 0) {
    await tables
      .insertInto('recent_logs')
      .values({
        id: newId(now),
        server_id: serverId,
        received_at: now.toISOString(),
        size_in_bytes: packed.length,
        lines,
        content: packed.toString('base64'),
      })
      .execute();
    await removeSurplus(tables, serverId);
  }
  await tables
    .updateTable('server_states')
    .set({ last_logs_at: now.toISOString() })
    .where('server_id', '=', serverId)
    .execute();
}

/** Removes the oldest of a server beyond the number that is kept. */
async function removeSurplus(tables: Kysely<Tables>, serverId: string): Promise<void> {
  const surplus = await tables
    .selectFrom('recent_logs')
    .select('id')
    .where('server_id', '=', serverId)
    .orderBy('id', 'desc')
    .offset(mostKept)
    .limit(1)
    .executeTakeFirst();
  if (surplus === undefined) return;
  await tables
    .deleteFrom('recent_logs')
    .where('server_id', '=', serverId)
    .where('id', '<=', surplus.id)
    .execute();
}

/** Removes what is older than a week. Resolves to whether more may be left. */
export async function removeOldRecentLogs({
  database,
  now,
}: Pick<Context, 'database' | 'now'>): Promise<boolean> {
  const { tables } = database;
  const before = new Date(now().getTime() - keptDays * 86_400_000).toISOString();
  const old = tables.selectFrom('recent_logs').select('id').where('received_at', '<', before).limit(batch);
  const { numDeletedRows } = await tables.deleteFrom('recent_logs').where('id', 'in', old).executeTakeFirst();
  return numDeletedRows === BigInt(batch);
}
