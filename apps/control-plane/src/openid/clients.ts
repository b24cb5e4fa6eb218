import type { ClientMetadata } from 'oidc-provider';

export const adminCentre = 'culvert-admin-centre';
export const tools = 'culvert-tools';

/** Scopes that there are. Only `api` opens the API; what a caller may do there is looked up, and stands in no token. */
export const scopes = ['openid', 'profile', 'offline_access', 'api'] as const;

export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

/** Our own clients, and there are no others. Neither can keep a secret, so neither has one. */
export function clientsOf(publicUrl: string): ClientMetadata[] {
  return [
    {
      client_id: adminCentre,
      client_name: 'Culvert admin centre',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      response_modes: ['query'],
      redirect_uris: [`${publicUrl}/signed-in`],
      post_logout_redirect_uris: [`${publicUrl}/`],
      scope: scopes.join(' '),
    },
    {
      client_id: tools,
      client_name: 'Culvert tools',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: [deviceGrant],
      response_types: [],
      redirect_uris: [],
      scope: 'openid profile api',
    },
  ];
}
