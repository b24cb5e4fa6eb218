import { type EntitySet, ownBase } from '../graph/entity-set.ts';

export const auditEntries: EntitySet = {
  table: 'audit_entries',
  base: ownBase,
  path: 'auditEntries',
  entity: {
    name: 'auditEntry',
    fields: {
      id: { type: 'string', column: 'id', isExact: true },
      dateTime: { type: 'dateTimeOffset', column: 'at' },
      actorKind: { type: 'string', column: 'actor_kind' },
      actorId: { type: 'string', column: 'actor_id', isNullable: true, isExact: true },
      actorName: { type: 'string', column: 'actor_name' },
      address: { type: 'string', column: 'address', isNullable: true },
      action: { type: 'string', column: 'action' },
      objectKind: { type: 'string', column: 'object_kind', isNullable: true },
      objectId: { type: 'string', column: 'object_id', isNullable: true, isExact: true },
      objectName: { type: 'string', column: 'object_name', isNullable: true },
      outcome: { type: 'enum', column: 'outcome', members: ['success', 'failure'] },
      detail: { type: 'string', column: 'detail', isNullable: true },
      requestId: { type: 'string', column: 'request_id', isNullable: true, isExact: true },
    },
    navigation: {},
  },
};
