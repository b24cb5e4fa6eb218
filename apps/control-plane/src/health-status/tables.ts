import type { OverallStatus } from './overall.ts';

export interface HealthStatusTables {
  server_health_states: {
    server_id: string;
    /** As it was found last; `servers` has the same for queries. */
    status: OverallStatus;
    since: string;
    /** JSON list of causes. */
    causes: string;
    /** JSON, name of a metric → its status and since when. */
    metric_states: string;
    /** A failed upgrade that an administrator has seen. */
    acknowledged_upgrade: string | null;
  };
  /** Changes that nobody was told about yet. */
  server_health_changes: {
    id: string;
    server_id: string;
    at: string;
    from_status: OverallStatus;
    to_status: OverallStatus;
    /** JSON list of causes of the status after the change. */
    causes: string;
  };
}
