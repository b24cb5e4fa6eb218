export interface JoinTokenTables {
  join_tokens: {
    id: string;
    version: number;
    /** SHA-256 of the secret, in hexadecimal. */
    secret_hash: string;
    site_id: string;
    /** Of a server that joins again under its old record. */
    server_id: string | null;
    created_by: string;
    created_at: string;
    expires_at: string;
    used_at: string | null;
    used_by_server_id: string | null;
  };
}
