export interface AccountTables {
  accounts: {
    id: string;
    version: number;
    /** As it was typed, or as the identity provider tells it. */
    user_name: string;
    /** The folded name of a local account, by which it signs in; null for an account of an identity provider. */
    local_name: string | null;
    display_name: string;
    /** JSON list. */
    group_names: string;
    is_enabled: number;
    /** PHC string; null for an account of an identity provider. */
    password_hash: string | null;
    must_change_password: number;
    /** 1 once a code has proved that the secret is in the user's device. */
    has_second_factor: number;
    /** Sealed. */
    totp_secret: string | null;
    /** The newest time step whose code was used. */
    totp_last_step: number;
    /** Null for a local account. */
    provider_id: string | null;
    /** Claim `sub` of the identity provider. */
    subject: string | null;
    created_at: string;
    last_sign_in_at: string | null;
  };
  /** Codes that were not used yet. */
  account_recovery_codes: {
    account_id: string;
    hash: string;
  };
  /** Addresses from which an account has signed in. */
  account_addresses: {
    account_id: string;
    address_key: string;
    last_sign_in_at: string;
  };
  sign_in_throttle: {
    key: string;
    version: number;
    failures: number;
    last_failure_at: string;
    /** Attempts since then that were turned away unseen. */
    refused: number;
    expires_at: string;
  };
}
