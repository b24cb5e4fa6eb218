export interface DesiredConfigurationTables {
  configuration_reports: {
    server_id: string;
    revision: string;
    /** `offered`: the agent has not said yet what became of it. */
    status: 'offered' | 'applied' | 'failed';
    reason: string | null;
    offered_at: string;
    reported_at: string | null;
  };
}
