import type { HealthMetric } from '@culvert/contracts';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Tables } from '../database/tables.ts';
import { thresholdKinds } from '../health-thresholds/thresholds.ts';
import { releaseDistance } from '../releases/store.ts';
import { type UpgradeStatus, upgradeStatuses } from '../upgrades/check-in.ts';
import { versionOf } from '../upgrades/server-progress.ts';
import type { ObservedServer } from './assess.ts';
import type { Observation } from './observation.ts';
import type { Cause, Overall, UpgradeOutcome } from './overall.ts';

/** Which servers to read: within a condition over `servers` and `sites`, after an identifier, in the order of identifiers. */
export interface Choice {
  condition: RawBuilder<boolean>;
  after?: string;
  most: number;
}

/** Reads what the health of these servers is judged by. `tables` may be a transaction. */
export async function readServers(
  tables: Kysely<Tables>,
  { condition, after = '', most }: Choice,
  now: Date,
): Promise<ObservedServer[]> {
  const rows = await serverRows(tables, condition, after, most);
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const thresholds = await readThresholds(tables);
  const reports = await newestReports(tables, ids);
  const upgrades = await upgradeStatuses(tables, ids);
  const distance = await releaseDistance(tables, now);
  return rows.map((row) =>
    observedServer(row, thresholds, { report: reports.get(row.id), upgrade: upgrades.get(row.id) }, distance),
  );
}

type ServerRow = Awaited<ReturnType<typeof serverRows>>[number];
type ReportRow = Pick<Tables['configuration_reports'], 'server_id' | 'status' | 'reason' | 'offered_at'>;

function serverRows(tables: Kysely<Tables>, condition: RawBuilder<boolean>, after: string, most: number) {
  return tables
    .selectFrom('servers')
    .innerJoin('sites', 'sites.id', 'servers.site_id')
    .leftJoin('server_states', 'server_states.server_id', 'servers.id')
    .leftJoin('server_health_states', 'server_health_states.server_id', 'servers.id')
    .select([
      'servers.id',
      'servers.display_name',
      'servers.site_id',
      'sites.display_name as site_name',
      'sites.internal_network_probe_url',
      'server_states.agent_version',
      'server_states.gateway_version',
      'server_states.engine_version',
      'server_states.last_check_in_at',
      'server_states.connected',
      'server_states.away',
      'server_states.capacity',
      'server_states.applied_revision',
      'server_states.last_logs_at',
      'server_states.reasons',
      'server_states.latest',
      'server_states.latest_at',
      'server_states.upgrade_state',
      'server_states.upgrade_reason',
      'server_states.upgrade_at',
      'server_health_states.status',
      'server_health_states.since',
      'server_health_states.causes',
      'server_health_states.metric_states',
      'server_health_states.acknowledged_upgrade',
    ])
    .where('servers.id', '>', after)
    .where(condition)
    .orderBy('servers.id')
    .limit(most)
    .execute();
}

async function readThresholds(tables: Kysely<Tables>): Promise<Observation['thresholds']> {
  const rows = await tables.selectFrom('health_thresholds').selectAll().execute();
  const known = rows.filter(({ id }) => Object.hasOwn(thresholdKinds, String(id)));
  return Object.fromEntries(
    known.map((row) => [
      row.id,
      {
        healthyThreshold: Number(row.healthy_threshold),
        unhealthyThreshold: Number(row.unhealthy_threshold),
      },
    ]),
  );
}

/** What became of the configuration that each server was offered last. */
async function newestReports(
  tables: Kysely<Tables>,
  ids: readonly string[],
): Promise<Map<string, ReportRow>> {
  const ranked = tables
    .selectFrom('configuration_reports')
    .select(['server_id', 'status', 'reason', 'offered_at'])
    .select(
      sql<number>`row_number() over (partition by server_id order by offered_at desc, revision)`.as('place'),
    )
    .where('server_id', 'in', ids);
  const rows = await tables.selectFrom(ranked.as('ranked')).selectAll().where('place', '=', 1).execute();
  return new Map(rows.map((row) => [row.server_id, row]));
}

function observedServer(
  row: ServerRow,
  thresholds: Observation['thresholds'],
  { report, upgrade }: { report: ReportRow | undefined; upgrade: UpgradeStatus | undefined },
  distance: (version: string) => number | undefined,
): ObservedServer {
  const version = versionOf({
    agentVersion: row.agent_version ?? undefined,
    gatewayVersion: row.gateway_version ?? undefined,
  });
  return {
    id: row.id,
    displayName: String(row.display_name),
    siteId: String(row.site_id),
    siteName: String(row.site_name),
    observation: {
      lastCheckInAt: dateOf(row.last_check_in_at),
      values: JSON.parse(row.latest ?? '{}') as Partial<Record<HealthMetric, number>>,
      valuesAt: dateOf(row.latest_at),
      reasons: JSON.parse(row.reasons ?? '{}') as Observation['reasons'],
      capacity: row.capacity ?? 0,
      thresholds,
      configuration:
        report === undefined
          ? undefined
          : {
              status: report.status,
              reason: report.reason ?? undefined,
              offeredAt: new Date(report.offered_at),
              hasEarlier: row.applied_revision !== null,
            },
      lastLogsAt: dateOf(row.last_logs_at),
      versionsBehind: version === undefined ? undefined : distance(version),
      hasProbeUrl: row.internal_network_probe_url !== null,
    },
    upgrade: upgradeOf(row, upgrade),
    acknowledgedUpgrade: row.acknowledged_upgrade ?? undefined,
    previous: previousOf(row),
    versions: { agent: row.agent_version, gateway: row.gateway_version, engine: row.engine_version },
    sessions: { connected: row.connected ?? 0, away: row.away ?? 0, capacity: row.capacity ?? 0 },
  };
}

/** The roll-out of the site decides where there is one; its judgement is later than the report of a monitor. */
function upgradeOf(
  { upgrade_state, upgrade_reason, upgrade_at }: ServerRow,
  rollOut: UpgradeStatus | undefined,
): UpgradeOutcome | undefined {
  if (upgrade_at !== null && (rollOut === undefined || upgrade_state === 'running')) {
    const state = upgrade_state as UpgradeOutcome['state'];
    return { id: upgrade_at, state, reason: upgrade_reason ?? undefined };
  }
  if (rollOut?.status === undefined) return undefined;
  const state = rollOut.status === 'upgradeInProgress' ? 'running' : 'failed';
  return { id: rollOut.upgradeId, state, reason: rollOut.reason };
}

function previousOf({ status, since, causes, metric_states }: ServerRow): ObservedServer['previous'] {
  if (status === null || since === null || metric_states === null) return undefined;
  const overall: Overall = { status, since, causes: JSON.parse(causes ?? '[]') as Cause[] };
  return {
    overall,
    metrics: JSON.parse(metric_states) as NonNullable<ObservedServer['previous']>['metrics'],
  };
}

function dateOf(text: string | null): Date | undefined {
  return text === null ? undefined : new Date(text);
}
