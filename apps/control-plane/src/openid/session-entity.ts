import { type EntitySet, ownBase } from '../graph/entity-set.ts';
import { adminCentre, tools } from './clients.ts';

export const signInSessions: EntitySet = {
  table: 'sign_in_sessions',
  base: ownBase,
  path: 'signInSessions',
  entity: {
    name: 'signInSession',
    fields: {
      id: { type: 'string', column: 'id', isExact: true },
      accountId: { type: 'string', column: 'account_id', isExact: true },
      userName: { type: 'string', column: 'user_name' },
      clientId: { type: 'enum', column: 'client_id', members: [adminCentre, tools] },
      address: { type: 'string', column: 'address' },
      userAgent: { type: 'string', column: 'user_agent' },
      createdDateTime: { type: 'dateTimeOffset', column: 'created_at' },
      lastUsedDateTime: { type: 'dateTimeOffset', column: 'last_used_at' },
      expiresDateTime: { type: 'dateTimeOffset', column: 'expires_at' },
    },
    navigation: {},
  },
};
