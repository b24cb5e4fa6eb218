export interface IdentityProviderTables {
  identity_providers: {
    id: string;
    version: number;
    display_name: string;
    issuer: string;
    client_id: string;
    /** Sealed; null for a public client. */
    client_secret: string | null;
    has_client_secret: number;
    /** JSON list. */
    scopes: string;
    user_name_claim: string;
    groups_claim: string;
    /** JSON list; an empty one lets everybody of the provider in. */
    allowed_groups: string;
    is_enabled: number;
  };
}
