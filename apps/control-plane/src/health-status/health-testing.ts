import type { Database } from '../database/open.ts';
import type { ServerState } from '../servers/tables.ts';

/** Values of a server about which everything is good. */
export const goodValues = {
  currentConnections: 10,
  throughput: 5000,
  cpuUsage: 20,
  cpuCores: 4,
  memoryUsage: 40,
  diskFree: 50,
  latency: 1.5,
  agentCertificateDaysLeft: 80,
  tlsCertificateDaysLeft: 200,
  tlsCertificateRevoked: 0,
  serverContainerHealthy: 1,
};

/** Writes what a server has told in a check-in at this moment, as the listener of agents does. */
export async function tellState(
  { tables }: Pick<Database, 'tables'>,
  serverId: string,
  at: Date,
  changes: Partial<ServerState> & { values?: Record<string, number> } = {},
): Promise<void> {
  const { values = goodValues, ...columns } = changes;
  const row: ServerState = {
    server_id: serverId,
    host_name: 'gateway',
    agent_version: '1.0.0',
    gateway_version: '1.0.0',
    engine_version: '1.0.0',
    last_check_in_at: at.toISOString(),
    connected: 10,
    away: 2,
    capacity: 5000,
    applied_revision: null,
    logs_are_verbose: 0,
    last_logs_at: at.toISOString(),
    reasons: '{}',
    latest: JSON.stringify(values),
    latest_at: at.toISOString(),
    upgrade_version: null,
    upgrade_state: null,
    upgrade_reason: null,
    upgrade_at: null,
    ...columns,
  };
  await tables
    .insertInto('server_states')
    .values(row)
    .onConflict((conflict) => conflict.column('server_id').doUpdateSet(row))
    .execute();
}
