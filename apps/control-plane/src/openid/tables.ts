export interface OpenIdTables {
  /** Everything that the OpenID provider keeps: sessions, interactions, grants, codes and tokens. */
  openid_artifacts: {
    /** SHA-256 of kind and identifier, in hexadecimal: whoever reads the table holds no cookie, code or token. */
    id: string;
    kind: string;
    /** JSON text, sealed. */
    payload: string;
    account_id: string | null;
    client_id: string | null;
    grant_id: string | null;
    /** Of the browser's session that the artifact belongs to; no bearer value. */
    session_uid: string | null;
    /** Keyed hash of the code that people type in for a device. */
    user_code: string | null;
    scope: string | null;
    expires_at: string;
    /**
     * When a code or refresh token was used, or a browser's session ended; it is kept so that a second use is noticed, and
     * so that a request under way does not write the session back.
     */
    consumed_at: string | null;
  };
  openid_keys: {
    /** 1 for the first key; the database refuses a second key of the same number, so that replicas agree. */
    sequence: number;
    /** The private key as JSON Web Key, sealed. */
    sealed: string;
    published_at: string;
    signs_from: string;
  };
  /** One row for each grant: an account that is signed in to a client. Without its row, no token of the grant is good. */
  sign_in_sessions: {
    id: string;
    version: number;
    account_id: string;
    user_name: string;
    client_id: string;
    address: string;
    user_agent: string;
    session_uid: string;
    grant_id: string;
    created_at: string;
    last_used_at: string;
    expires_at: string;
  };
}
