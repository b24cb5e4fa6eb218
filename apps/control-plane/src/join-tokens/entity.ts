import { type EntitySet, ownBase } from '../graph/entity-set.ts';

export const joinTokens: EntitySet = {
  table: 'join_tokens',
  base: ownBase,
  path: 'joinTokens',
  entity: {
    name: 'joinToken',
    fields: {
      id: { type: 'string', column: 'id', isExact: true },
      siteId: { type: 'string', column: 'site_id', isExact: true },
      serverId: { type: 'string', column: 'server_id', isExact: true, isNullable: true },
      createdBy: { type: 'string', column: 'created_by' },
      createdDateTime: { type: 'dateTimeOffset', column: 'created_at' },
      expiresDateTime: { type: 'dateTimeOffset', column: 'expires_at' },
      usedDateTime: { type: 'dateTimeOffset', column: 'used_at', isNullable: true },
      usedByServerId: { type: 'string', column: 'used_by_server_id', isExact: true, isNullable: true },
    },
    navigation: {},
  },
};
