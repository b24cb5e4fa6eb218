export interface TokenTables {
  api_tokens: {
    id: string;
    version: number;
    display_name: string;
    /** SHA-256 of the token, in hexadecimal. */
    hash: string;
    /** Last characters, so that people can tell tokens apart. */
    hint: string;
    role_id: string;
    /** JSON list of scope tags, or null for all. */
    scope_tag_ids: string | null;
    created_at: string;
    created_by: string;
    /** The account of who made it; the token is good only while that can sign in. Null for one of the command line. */
    created_by_account: string | null;
    expires_at: string;
    last_used_at: string | null;
    revoked_at: string | null;
  };
}
