import { newId } from '../database/identifier.ts';
import { show } from '../graph/read.ts';
import type { Change } from '../graph/resource.ts';
import { EntityStore } from '../graph/store.ts';
import type { StoredRow } from '../graph/tables.ts';
import { ApiError } from '../http/errors.ts';
import { auditCollection } from './audit.ts';
import { collectionProgress } from './entity.ts';
import { orderLogs } from './order.ts';
import { exceededQuota } from './quota.ts';

/** Days for which a request waits for its server, and its logs are kept. */
const keptDays = 30;

export interface CollectionRequest {
  serverId: string;
  start: string;
  end: string;
  /** Until when the logs of the server are verbose; they are sent then. */
  verboseUntil?: string;
  includeAccessLog?: boolean;
}

/** Makes a collection and tells its server. Throws an ApiError when no more logs are kept. */
export async function beginCollection(change: Change, asked: CollectionRequest): Promise<StoredRow> {
  const { context, tables } = change;
  const now = context.now();
  const exceeded = await exceededQuota(tables, asked.serverId, 1);
  if (exceeded !== undefined) throw new ApiError('InsufficientStorage', exceeded);
  const row: StoredRow = {
    id: newId(now),
    version: 1,
    server_id: asked.serverId,
    status: 'pending',
    state: asked.verboseUntil === undefined ? 'ordered' : 'verbose',
    start_date_time: asked.start,
    end_date_time: asked.end,
    request_date_time: now.toISOString(),
    expiry_date_time: new Date(now.getTime() + keptDays * 86_400_000).toISOString(),
    received_bytes: 0,
    verbose_until: asked.verboseUntil ?? null,
    include_access_log: asked.includeAccessLog === true ? 1 : 0,
    changed_at: now.toISOString(),
  };
  await new EntityStore(tables, context.database.engine, collectionProgress).insert(row);
  if (asked.verboseUntil === undefined) await orderLogs(change, row);
  await auditCollection(change, 'create', row, { after: show({ set: collectionProgress }, row, now) });
  return row;
}
