import { type EntitySet, ownBase } from '../graph/entity-set.ts';

/** What callers see of an identity provider: never its client secret. */
export const identityProviders: EntitySet = {
  table: 'identity_providers',
  base: ownBase,
  path: 'identityProviders',
  entity: {
    name: 'identityProvider',
    fields: {
      id: { type: 'string', column: 'id', isExact: true },
      displayName: { type: 'string', column: 'display_name' },
      issuer: { type: 'string', column: 'issuer' },
      clientId: { type: 'string', column: 'client_id' },
      hasClientSecret: { type: 'boolean', column: 'has_client_secret' },
      scopes: { type: 'stringCollection', column: 'scopes' },
      userNameClaim: { type: 'string', column: 'user_name_claim' },
      groupsClaim: { type: 'string', column: 'groups_claim' },
      allowedGroups: { type: 'stringCollection', column: 'allowed_groups' },
      isEnabled: { type: 'boolean', column: 'is_enabled' },
    },
    navigation: {},
  },
};
