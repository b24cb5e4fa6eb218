import { type EntitySet, graphBase, ownBase } from '../graph/entity-set.ts';
import type { StoredRow } from '../graph/tables.ts';

export interface LogCollectionTables {
  server_log_collections: StoredRow;
  log_pieces: {
    collection_id: string;
    /** Bytes of the archive before this piece. */
    position: number;
    /** Base64. */
    content: string;
  };
  recent_logs: {
    id: string;
    server_id: string;
    received_at: string;
    size_in_bytes: number;
    lines: number;
    /** Gzip over lines of JSON, base64. */
    content: string;
  };
}

/** Members of `microsoftTunnelLogCollectionStatus`. */
export const logCollectionStatuses = ['pending', 'completed', 'failed', 'unknownFutureValue'] as const;

/**
 * How far a collection is: the logs of the server are verbose for a time, it was told to send them, it sends them, and they
 * are here or will never be.
 */
export const collectionStates = ['verbose', 'ordered', 'uploading', 'completed', 'failed'] as const;
export type CollectionState = (typeof collectionStates)[number];

const graphFields = {
  id: { type: 'string', column: 'id', isExact: true },
  status: { type: 'enum', column: 'status', members: logCollectionStatuses },
  startDateTime: { type: 'dateTimeOffset', column: 'start_date_time' },
  endDateTime: { type: 'dateTimeOffset', column: 'end_date_time' },
  sizeInBytes: { type: 'int64', column: 'size_in_bytes', isNullable: true, isLeftOut: true },
  serverId: { type: 'string', column: 'server_id', isExact: true },
  requestDateTime: { type: 'dateTimeOffset', column: 'request_date_time' },
  expiryDateTime: { type: 'dateTimeOffset', column: 'expiry_date_time', isNullable: true, isLeftOut: true },
} as const;

/** `microsoftTunnelServerLogCollectionResponse` (Graph beta). */
export const logCollections = {
  table: 'server_log_collections',
  base: graphBase,
  path: 'microsoftTunnelServerLogCollectionResponses',
  entity: {
    name: 'microsoftTunnelServerLogCollectionResponse',
    fields: graphFields,
    navigation: {},
  },
} as const satisfies EntitySet;

/** The same collections with what Graph has no properties for. */
export const collectionProgress = {
  table: 'server_log_collections',
  base: ownBase,
  path: 'logCollections',
  entity: {
    name: 'logCollection',
    fields: {
      ...graphFields,
      state: { type: 'enum', column: 'state', members: collectionStates },
      reason: { type: 'string', column: 'reason', isNullable: true },
      receivedBytes: { type: 'int32', column: 'received_bytes' },
      sha256: { type: 'string', column: 'sha256', isNullable: true, isExact: true },
      verboseUntil: { type: 'dateTimeOffset', column: 'verbose_until', isNullable: true },
      includeAccessLog: { type: 'boolean', column: 'include_access_log' },
    },
    navigation: {},
  },
} as const satisfies EntitySet;
