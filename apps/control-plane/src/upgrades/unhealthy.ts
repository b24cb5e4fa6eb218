import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import type { MetricStates } from '../health-status/observation.ts';

/** Names of the metrics that are unhealthy, for each server of a site whose health was judged. */
export async function unhealthyMetrics(
  tables: Kysely<Tables>,
  siteId: string,
): Promise<Map<string, readonly string[]>> {
  const rows = await tables
    .selectFrom('server_health_states')
    .innerJoin('servers', 'servers.id', 'server_health_states.server_id')
    .select(['server_health_states.server_id', 'server_health_states.metric_states'])
    .where('servers.site_id', '=', siteId)
    .execute();
  return new Map(
    rows.map(({ server_id, metric_states }) => {
      const states = Object.entries(JSON.parse(metric_states) as MetricStates);
      return [server_id, states.filter(([, { status }]) => status === 'unhealthy').map(([name]) => name)];
    }),
  );
}
