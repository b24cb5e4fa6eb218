export interface AgentAuthorityTables {
  agent_authorities: {
    id: string;
    /** PEM. */
    certificate: string;
    /** PKCS#8 PEM, sealed. */
    private_key: string;
    created_at: string;
  };
  agent_certificates: {
    /** SHA-256 of the certificate, lower-case hexadecimal. */
    fingerprint: string;
    server_id: string;
    serial: string;
    not_before: string;
    not_after: string;
    issued_at: string;
    /** Null until the agent has used it. */
    first_used_at: string | null;
    revoked_at: string | null;
  };
}
