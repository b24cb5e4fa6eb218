import { Gauge, Registry } from 'prom-client';
import type { Context } from '../context.ts';
import { inScope, readPermission } from '../graph/scope.ts';
import { assess } from '../health-status/assess.ts';
import { overallStatuses } from '../health-status/overall.ts';
import { readServers } from '../health-status/read.ts';
import type { Caller } from '../permissions/caller.ts';

/** Servers that have gauges: a thousand are planned for, and each has five series. */
const mostServers = 2_000;

const ofServer = ['server', 'name', 'site'] as const;

/**
 * Gauges of the servers in the caller's scope, in the format of Prometheus. They are read from the database for each answer, so
 * that every replica tells the same. The label `server` is the identifier; names may change.
 */
export async function fleetMetrics(
  { database, now }: Pick<Context, 'database' | 'now'>,
  caller: Caller,
): Promise<string> {
  const condition = inScope(database.engine, caller, readPermission, 'sites.role_scope_tag_ids');
  const at = now();
  const servers = await readServers(database.tables, { condition, most: mostServers }, at);
  const registry = new Registry();
  const registers = [registry];
  const byStatus = new Gauge({
    name: 'culvert_servers',
    help: 'Servers with this health.',
    labelNames: ['status'],
    registers,
  });
  const health = new Gauge({
    name: 'culvert_server_health',
    help: '1 for the health that the server has.',
    labelNames: [...ofServer, 'status'],
    registers,
  });
  const sessions = new Gauge({
    name: 'culvert_server_sessions',
    help: 'Sessions, by whether their tunnel is open (connected) or not (away).',
    labelNames: [...ofServer, 'state'],
    registers,
  });
  const capacity = new Gauge({
    name: 'culvert_server_capacity',
    help: 'Connections that the server can hold.',
    labelNames: ofServer,
    registers,
  });
  const age = new Gauge({
    name: 'culvert_server_last_check_in_age_seconds',
    help: 'Seconds since the last check-in; absent for a server that has never checked in.',
    labelNames: ofServer,
    registers,
  });
  for (const status of overallStatuses) byStatus.set({ status }, 0);
  for (const server of servers) {
    const labels = { server: server.id, name: server.displayName, site: server.siteName };
    const { status } = assess(server, at).overall;
    byStatus.inc({ status });
    health.set({ ...labels, status }, 1);
    const { lastCheckInAt } = server.observation;
    if (lastCheckInAt === undefined) continue;
    sessions.set({ ...labels, state: 'connected' }, server.sessions.connected);
    sessions.set({ ...labels, state: 'away' }, server.sessions.away);
    capacity.set(labels, server.sessions.capacity);
    age.set(labels, Math.max(0, (at.getTime() - lastCheckInAt.getTime()) / 1000));
  }
  return registry.metrics();
}
