export interface AuditTables {
  audit_entries: {
    /** UUID of version 7, so that order of identifiers is order of time. */
    id: string;
    at: string;
    actor_kind: string;
    actor_id: string | null;
    actor_name: string;
    address: string | null;
    action: string;
    object_kind: string | null;
    object_id: string | null;
    object_name: string | null;
    outcome: string;
    /** JSON text of the object, or null. Secrets never get here. */
    before: string | null;
    after: string | null;
    /** Why it failed, or what else is worth knowing. */
    detail: string | null;
    request_id: string | null;
    /** JSON text: the scope tags of the object, so that a reader sees only what is in scope. */
    role_scope_tag_ids: string;
  };
}
