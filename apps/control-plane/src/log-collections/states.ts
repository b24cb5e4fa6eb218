import { type Kysely, sql } from 'kysely';
import type { Tables } from '../database/tables.ts';
import type { StoredRow } from '../graph/tables.ts';

/** How a collection ends. */
export type CollectionEnd =
  | { state: 'completed'; sizeInBytes: number; sha256: string }
  | { state: 'failed'; reason: string };

/** Ends a collection. One that has failed keeps no pieces. */
export async function endCollection(
  tables: Kysely<Tables>,
  id: string,
  end: CollectionEnd,
  now: Date,
): Promise<void> {
  const columns =
    end.state === 'completed'
      ? { size_in_bytes: end.sizeInBytes, sha256: end.sha256 }
      : { reason: end.reason, received_bytes: 0 };
  if (end.state === 'failed') {
    await tables.deleteFrom('log_pieces').where('collection_id', '=', id).execute();
  }
  await tables
    .updateTable('server_log_collections')
    .set({
      ...columns,
      state: end.state,
      status: end.state,
      version: sql<number>`version + 1`,
      changed_at: now.toISOString(),
    })
    .where('id', '=', id)
    .execute();
}

/** Hours that a server has to fetch the order, and after which an upload without a further piece counts as given up. */
export const patienceHours = 24;

/** What has not changed since then is given up. */
export function patienceEnds(now: Date): string {
  return new Date(now.getTime() - patienceHours * 3_600_000).toISOString();
}

/** What is known of the command that a collection waits for. */
export interface CommandState {
  state: string;
  detail: string | null;
}

/** What is to be done with a collection that has not ended. */
export type NextStep = { kind: 'wait' } | { kind: 'order' } | { kind: 'fail'; reason: string };

/** Decides about a collection by its row and the command that tells its server to send; the times are of the control plane. */
export function nextStep(collection: StoredRow, command: CommandState | undefined, now: Date): NextStep {
  if (collection.state === 'verbose') {
    return String(collection.verbose_until) <= now.toISOString() ? { kind: 'order' } : { kind: 'wait' };
  }
  if (command?.state === 'failed') {
    return { kind: 'fail', reason: command.detail ?? 'the server could not collect its logs' };
  }
  if (String(collection.changed_at) > patienceEnds(now) && command?.state !== 'expired')
    return { kind: 'wait' };
  const reason =
    collection.state === 'uploading'
      ? `the upload stopped at ${collection.received_bytes} bytes and did not go on for ${patienceHours} hours: see whether the server checks in, and ask again`
      : `the server did not answer within ${patienceHours} hours: see whether its agent runs and checks in, and ask again`;
  return { kind: 'fail', reason };
}
