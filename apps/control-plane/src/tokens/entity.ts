import { type EntitySet, ownBase } from '../graph/entity-set.ts';

export const apiTokens: EntitySet = {
  table: 'api_tokens',
  base: ownBase,
  path: 'tokens',
  entity: {
    name: 'apiToken',
    fields: {
      id: { type: 'string', column: 'id', isExact: true },
      displayName: { type: 'string', column: 'display_name' },
      hint: { type: 'string', column: 'hint' },
      roleId: { type: 'string', column: 'role_id', isExact: true },
      scopeTagIds: { type: 'stringCollection', column: 'scope_tag_ids', isNullable: true },
      createdDateTime: { type: 'dateTimeOffset', column: 'created_at' },
      createdBy: { type: 'string', column: 'created_by' },
      createdByAccountId: {
        type: 'string',
        column: 'created_by_account',
        isNullable: true,
        isExact: true,
      },
      expiresDateTime: { type: 'dateTimeOffset', column: 'expires_at' },
      lastUsedDateTime: { type: 'dateTimeOffset', column: 'last_used_at', isNullable: true },
      revokedDateTime: { type: 'dateTimeOffset', column: 'revoked_at', isNullable: true },
    },
    navigation: {},
  },
};
