import type { Kysely } from 'kysely';
import { newId } from '../database/identifier.ts';
import type { Tables } from '../database/tables.ts';
import type { StoredRow } from '../graph/tables.ts';
import type { RollOut, RollOutState } from './roll-out.ts';
import { isInProgress, type ServerProgress, type ServerView, type UpgradeNews } from './server-progress.ts';
import { unhealthyMetrics } from './unhealthy.ts';

/** Roll-outs of one site that are kept; the oldest go first. */
const keptRollOuts = 100;

/** The roll-out of a site that is in force, or was the last. */
export function readCurrent(tables: Kysely<Tables>, siteId: string): Promise<StoredRow | undefined> {
  return tables
    .selectFrom('upgrades')
    .selectAll()
    .where('site_id', '=', siteId)
    .where('is_current', '=', 1)
    .$castTo<StoredRow>()
    .executeTakeFirst();
}

export function stateOf(row: StoredRow): RollOutState {
  return row.state as RollOutState;
}

export interface NewRollOut {
  siteId: string;
  target: string | null;
  state: RollOutState;
  /** Who has asked for it; undefined when the policy of the site did. */
  requestedBy: string | undefined;
  reason?: string;
  /** False for one that only says something. */
  isCurrent?: boolean;
}

/** Writes down a roll-out. It becomes the current one of its site, and the one before must have ended. */
export async function insertRollOut(
  tables: Kysely<Tables>,
  wanted: NewRollOut,
  now: Date,
): Promise<StoredRow> {
  const { siteId, target, state, requestedBy, reason, isCurrent = true } = wanted;
  if (isCurrent) {
    await tables
      .updateTable('upgrades')
      .set({ is_current: 0 })
      .where('site_id', '=', siteId)
      .where('is_current', '=', 1)
      .execute();
  }
  const row: StoredRow = {
    id: newId(now),
    version: 1,
    site_id: siteId,
    is_current: isCurrent ? 1 : 0,
    target_version: target,
    state,
    is_automatic: requestedBy === undefined ? 1 : 0,
    requested_by: requestedBy ?? null,
    created_date_time: now.toISOString(),
    started_date_time: state === 'running' ? now.toISOString() : null,
    finished_date_time: state === 'completed' ? now.toISOString() : null,
    reason: reason ?? null,
  };
  await tables.insertInto('upgrades').values(row).execute();
  await removeOldest(tables, siteId);
  return row;
}

async function removeOldest(tables: Kysely<Tables>, siteId: string): Promise<void> {
  const kept = tables
    .selectFrom('upgrades')
    .select('id')
    .where('site_id', '=', siteId)
    .orderBy('created_date_time', 'desc')
    .orderBy('id', 'desc')
    .limit(keptRollOuts);
  await tables
    .deleteFrom('upgrades')
    .where('site_id', '=', siteId)
    .where('is_current', '=', 0)
    .where('id', 'not in', kept)
    .execute();
}

/** Changes columns of a roll-out. */
export async function updateRollOut(
  tables: Kysely<Tables>,
  row: StoredRow,
  columns: Record<string, string | number | null>,
): Promise<StoredRow> {
  const changed = { ...columns, version: row.version + 1 };
  await tables.updateTable('upgrades').set(changed).where('id', '=', row.id).execute();
  return { ...row, ...changed };
}

export function rollOutOf(row: StoredRow): RollOut {
  const text = (value: string | number | null | undefined) => (typeof value === 'string' ? value : null);
  return { state: stateOf(row), finishedAt: text(row.finished_date_time), reason: text(row.reason) };
}

/** How far the servers of a roll-out are. */
export async function readProgress(tables: Kysely<Tables>, upgradeId: string): Promise<ServerProgress[]> {
  const rows = await tables
    .selectFrom('upgrade_servers')
    .selectAll()
    .where('upgrade_id', '=', upgradeId)
    .execute();
  return rows.map((row) => ({
    serverId: row.server_id,
    state: row.state,
    fromVersion: row.from_version,
    startedAt: row.started_at,
    toldAt: row.told_at,
    cameUpAt: row.came_up_at,
    healthySince: row.healthy_since,
    finishedAt: row.finished_at,
    reason: row.reason,
    unhealthyBefore: JSON.parse(row.unhealthy_before) as string[],
    reportBefore: row.report_before,
  }));
}

/** Writes down what has changed of the servers of a roll-out. */
export async function writeProgress(
  tables: Kysely<Tables>,
  upgradeId: string,
  before: readonly ServerProgress[],
  after: readonly ServerProgress[],
): Promise<void> {
  const known = new Map(before.map((one) => [one.serverId, JSON.stringify(one)]));
  const changed = after.filter((one) => known.get(one.serverId) !== JSON.stringify(one));
  // The database allows one at its upgrade: whoever ends goes before whoever begins.
  const ordered = changed.toSorted((one, other) => Number(isInProgress(one)) - Number(isInProgress(other)));
  for (const { serverId, unhealthyBefore, ...progress } of ordered) {
    const columns = {
      state: progress.state,
      from_version: progress.fromVersion,
      started_at: progress.startedAt,
      told_at: progress.toldAt,
      came_up_at: progress.cameUpAt,
      healthy_since: progress.healthySince,
      finished_at: progress.finishedAt,
      reason: progress.reason,
      unhealthy_before: JSON.stringify(unhealthyBefore),
      report_before: progress.reportBefore,
    };
    await tables
      .insertInto('upgrade_servers')
      .values({ upgrade_id: upgradeId, server_id: serverId, ...columns })
      .onConflict((conflict) => conflict.columns(['upgrade_id', 'server_id']).doUpdateSet(columns))
      .execute();
  }
}

/** What is known of the servers of a site, in the order of their names. */
export async function readViews(tables: Kysely<Tables>, siteId: string): Promise<ServerView[]> {
  const rows = await tables
    .selectFrom('servers')
    .leftJoin('server_states', 'server_states.server_id', 'servers.id')
    .select([
      'servers.id',
      'servers.display_name',
      'server_states.agent_version',
      'server_states.gateway_version',
      'server_states.last_check_in_at',
      'server_states.upgrade_version',
      'server_states.upgrade_state',
      'server_states.upgrade_reason',
      'server_states.upgrade_at',
    ])
    .where('servers.site_id', '=', siteId)
    .orderBy('servers.display_name')
    .orderBy('servers.id')
    .execute();
  const unhealthy = await unhealthyMetrics(tables, siteId);
  return rows.map((row) => ({
    serverId: row.id,
    name: String(row.display_name),
    agentVersion: row.agent_version ?? undefined,
    gatewayVersion: row.gateway_version ?? undefined,
    lastCheckInAt: row.last_check_in_at ?? undefined,
    unhealthy: unhealthy.get(row.id) ?? [],
    report: newsOf(row),
  }));
}

function newsOf(row: {
  upgrade_version: string | null;
  upgrade_state: string | null;
  upgrade_reason: string | null;
  upgrade_at: string | null;
}): UpgradeNews | undefined {
  const { upgrade_version: version, upgrade_state: state, upgrade_at: at } = row;
  if (version === null || state === null || at === null) return undefined;
  return { version, state: state as UpgradeNews['state'], reason: row.upgrade_reason ?? undefined, at };
}
