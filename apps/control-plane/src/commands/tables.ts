export interface CommandTables {
  server_commands: {
    id: string;
    server_id: string;
    kind: string;
    /** JSON of a `CommandOrder`. */
    command_order: string;
    /** `sent`: an agent has it, and has not said yet what came of it. */
    state: 'waiting' | 'sent' | 'done' | 'failed' | 'expired';
    detail: string | null;
    created_by: string;
    created_at: string;
    expires_at: string;
    sent_at: string | null;
    finished_at: string | null;
  };
}
