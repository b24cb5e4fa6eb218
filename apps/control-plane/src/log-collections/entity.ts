import { type EntitySet, graphBase } from '../graph/entity-set.ts';
import type { StoredRow } from '../graph/tables.ts';

export interface LogCollectionTables {
  server_log_collections: StoredRow;
}

/** Members of `microsoftTunnelLogCollectionStatus`. */
export const logCollectionStatuses = ['pending', 'completed', 'failed', 'unknownFutureValue'] as const;

/** `microsoftTunnelServerLogCollectionResponse` (Graph beta). */
export const logCollections = {
  table: 'server_log_collections',
  base: graphBase,
  path: 'microsoftTunnelServerLogCollectionResponses',
  entity: {
    name: 'microsoftTunnelServerLogCollectionResponse',
    fields: {
      id: { type: 'string', column: 'id', isExact: true },
      status: { type: 'enum', column: 'status', members: logCollectionStatuses },
      startDateTime: { type: 'dateTimeOffset', column: 'start_date_time' },
      endDateTime: { type: 'dateTimeOffset', column: 'end_date_time' },
      sizeInBytes: { type: 'int64', column: 'size_in_bytes', isNullable: true, isLeftOut: true },
      serverId: { type: 'string', column: 'server_id', isExact: true },
      requestDateTime: { type: 'dateTimeOffset', column: 'request_date_time' },
      expiryDateTime: {
        type: 'dateTimeOffset',
        column: 'expiry_date_time',
        isNullable: true,
        isLeftOut: true,
      },
    },
    navigation: {},
  },
} as const satisfies EntitySet;
