import { createHash } from 'node:crypto';
import { logArchiveBytes, logPieceBytes } from '@culvert/contracts';
import type { Kysely } from 'kysely';
import type { Database } from '../database/open.ts';
import type { Tables } from '../database/tables.ts';
import type { StoredRow } from '../graph/tables.ts';
import { exceededQuota } from './quota.ts';
import { endCollection } from './states.ts';

/** What came of a piece; `receivedBytes` is what the agent goes on from. */
export type PieceOutcome =
  | { kind: 'taken'; receivedBytes: number }
  /** It does not follow what is there, or is not what is there already. */
  | { kind: 'misplaced'; receivedBytes: number }
  /** No more than this is kept; the collection has failed. */
  | { kind: 'full'; reason: string };

/** Pieces of a stream that are read at a time; each is 350 kB of text. */
const batch = 8;

/** The collection that this server is to fill; undefined when there is none, or it has ended. */
export function openCollection(
  tables: Kysely<Tables>,
  serverId: string,
  id: string,
): Promise<StoredRow | undefined> {
  return tables
    .selectFrom('server_log_collections')
    .selectAll()
    .where('id', '=', id)
    .where('server_id', '=', serverId)
    .where('state', 'in', ['ordered', 'uploading'])
    .$castTo<StoredRow>()
    .executeTakeFirst();
}

/** Keeps a piece. The same piece may come again, also at another replica. */
export async function storePiece(
  tables: Kysely<Tables>,
  collection: StoredRow,
  position: number,
  bytes: Buffer,
  now: Date,
): Promise<PieceOutcome> {
  const receivedBytes = Number(collection.received_bytes);
  const content = bytes.toString('base64');
  if (position < receivedBytes) {
    const present = await tables
      .selectFrom('log_pieces')
      .select('content')
      .where('collection_id', '=', collection.id)
      .where('position', '=', position)
      .executeTakeFirst();
    return { kind: present?.content === content ? 'taken' : 'misplaced', receivedBytes };
  }
  if (position > receivedBytes || bytes.length === 0 || bytes.length > logPieceBytes) {
    return { kind: 'misplaced', receivedBytes };
  }
  const reason =
    position + bytes.length > logArchiveBytes
      ? `the archive is larger than ${logArchiveBytes / 1024 / 1024} MiB: ask for a shorter span`
      : await exceededQuota(tables, String(collection.server_id), bytes.length);
  if (reason !== undefined) {
    await endCollection(tables, collection.id, { state: 'failed', reason }, now);
    return { kind: 'full', reason };
  }
  // Another replica may have taken the same piece in between.
  const { numUpdatedRows } = await tables
    .updateTable('server_log_collections')
    .set({ state: 'uploading', received_bytes: receivedBytes + bytes.length, changed_at: now.toISOString() })
    .where('id', '=', collection.id)
    .where('state', 'in', ['ordered', 'uploading'])
    .where('received_bytes', '=', receivedBytes)
    .executeTakeFirst();
  if (numUpdatedRows !== 1n) return { kind: 'misplaced', receivedBytes };
  await tables.insertInto('log_pieces').values({ collection_id: collection.id, position, content }).execute();
  return { kind: 'taken', receivedBytes: receivedBytes + bytes.length };
}

/** Forgets what has come, so that the agent begins anew. */
export async function dropPieces(tables: Kysely<Tables>, id: string, now: Date): Promise<void> {
  await tables.deleteFrom('log_pieces').where('collection_id', '=', id).execute();
  await tables
    .updateTable('server_log_collections')
    .set({ received_bytes: 0, changed_at: now.toISOString() })
    .where('id', '=', id)
    .execute();
}

/** The archive, piece by piece. Ends early when the collection is deleted meanwhile. */
export async function* readArchive({ tables }: Pick<Database, 'tables'>, id: string): AsyncGenerator<Buffer> {
  let position = -1;
  for (;;) {
    const pieces = await tables
      .selectFrom('log_pieces')
      .select(['position', 'content'])
      .where('collection_id', '=', id)
      .where('position', '>', position)
      .orderBy('position')
      .limit(batch)
      .execute();
    for (const piece of pieces) {
      position = piece.position;
      yield Buffer.from(piece.content, 'base64');
    }
    if (pieces.length < batch) return;
  }
}

/** SHA-256 of the archive in lower-case hex. */
export async function hashArchive(database: Pick<Database, 'tables'>, id: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of readArchive(database, id)) hash.update(piece);
  return hash.digest('hex');
}
