import { type EntitySet, ownBase } from '../graph/entity-set.ts';

/** What callers see of an account: never the hash of its password, nor a secret. */
export const accounts: EntitySet = {
  table: 'accounts',
  base: ownBase,
  path: 'accounts',
  entity: {
    name: 'account',
    fields: {
      id: { type: 'string', column: 'id', isExact: true },
      userName: { type: 'string', column: 'user_name' },
      displayName: { type: 'string', column: 'display_name' },
      groups: { type: 'stringCollection', column: 'group_names' },
      isEnabled: { type: 'boolean', column: 'is_enabled' },
      mustChangePassword: { type: 'boolean', column: 'must_change_password' },
      hasSecondFactor: { type: 'boolean', column: 'has_second_factor' },
      providerId: { type: 'string', column: 'provider_id', isNullable: true, isExact: true },
      createdDateTime: { type: 'dateTimeOffset', column: 'created_at' },
      lastSignInDateTime: { type: 'dateTimeOffset', column: 'last_sign_in_at', isNullable: true },
    },
    navigation: {},
  },
};
