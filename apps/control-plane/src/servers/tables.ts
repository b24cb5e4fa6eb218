import type { StoredRow } from '../graph/tables.ts';

/** What an agent has told last. `servers` has Graph's properties only, so that its version does not move with each check-in. */
export interface ServerState {
  server_id: string;
  host_name: string;
  agent_version: string | null;
  gateway_version: string | null;
  engine_version: string | null;
  last_check_in_at: string;
  connected: number;
  away: number;
  capacity: number;
  applied_revision: string | null;
  logs_are_verbose: number;
  last_logs_at: string | null;
  /** JSON, name of a metric → sentence. */
  reasons: string;
  /** JSON, name of a metric → number: the latest sample. */
  latest: string;
  latest_at: string | null;
  upgrade_version: string | null;
  upgrade_state: string | null;
  upgrade_reason: string | null;
  upgrade_at: string | null;
}

export interface ServerTables {
  servers: StoredRow;
  server_states: ServerState;
}
