import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import { desiredVersion, isInProgress, type ServerUpgradeState, upgradeStatusOf } from './server-progress.ts';
import { advanceSite, type Place } from './work.ts';

/** What a check-in is answered about upgrades. */
export interface UpgradeAnswer {
  /** The version that the server is to run; undefined when it may stay as it is. */
  desiredVersion: string | undefined;
  /** True while the server is at its upgrade or on the way back: it should check in often, because others wait for it. */
  isWatched: boolean;
}

/**
 * Takes the roll-out of the site further with what the server has told, and says what it is to run. For the check-in, in its
 * transaction, after the state of the server was written.
 */
export async function upgradeAtCheckIn(place: Place, serverId: string, now: Date): Promise<UpgradeAnswer> {
  const { tables } = place;
  const before = await readPlace(tables, serverId);
  if (before === undefined || !isWatched(before)) return { desiredVersion: undefined, isWatched: false };
  await advanceSite(place, before.siteId, now);
  const after = await readPlace(tables, serverId);
  if (after === undefined) return { desiredVersion: undefined, isWatched: false };
  if (after.state === 'upgrading') {
    // From this answer on it may be switching.
    await tables
      .updateTable('upgrade_servers')
      .set({ told_at: now.toISOString() })
      .where('upgrade_id', '=', after.upgradeId)
      .where('server_id', '=', serverId)
      .where('told_at', 'is', null)
      .execute();
  }
  return { desiredVersion: desired(after), isWatched: isWatched(after) };
}

/** The version that a server is to run; undefined when it may stay as it is. */
export async function desiredVersionOf(
  tables: Kysely<Tables>,
  serverId: string,
): Promise<string | undefined> {
  const place = await readPlace(tables, serverId);
  return place === undefined ? undefined : desired(place);
}

/** What the last upgrade makes of the status of these servers; those about which it says nothing are left out. */
export async function upgradeStatuses(
  tables: Kysely<Tables>,
  serverIds: readonly string[],
): Promise<Map<string, { status: 'upgradeInProgress' | 'upgradeFailed'; reason: string | undefined }>> {
  if (serverIds.length === 0) return new Map();
  const rows = await tables
    .selectFrom('upgrade_servers')
    .innerJoin('upgrades', 'upgrades.id', 'upgrade_servers.upgrade_id')
    .select(['upgrade_servers.server_id', 'upgrade_servers.state', 'upgrade_servers.reason'])
    .where('upgrades.is_current', '=', 1)
    .where('upgrade_servers.server_id', 'in', serverIds)
    .execute();
  return new Map(
    rows.flatMap(({ server_id, state, reason }) => {
      const status = upgradeStatusOf({ state: state as ServerUpgradeState }, undefined);
      return status === undefined ? [] : [[server_id, { status, reason: reason ?? undefined }] as const];
    }),
  );
}

/** Where a server is in the current roll-out of its site. */
interface PlaceInRollOut {
  readonly siteId: string;
  readonly upgradeId: string;
  readonly target: string;
  readonly state: ServerUpgradeState;
  readonly fromVersion: string | null;
  readonly agentVersion: string | undefined;
}

async function readPlace(tables: Kysely<Tables>, serverId: string): Promise<PlaceInRollOut | undefined> {
  const row = await tables
    .selectFrom('upgrade_servers')
    .innerJoin('upgrades', 'upgrades.id', 'upgrade_servers.upgrade_id')
    .leftJoin('server_states', 'server_states.server_id', 'upgrade_servers.server_id')
    .select([
      'upgrades.id',
      'upgrades.site_id',
      'upgrades.target_version',
      'upgrade_servers.state',
      'upgrade_servers.from_version',
      'server_states.agent_version',
    ])
    .where('upgrade_servers.server_id', '=', serverId)
    .where('upgrades.is_current', '=', 1)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    siteId: String(row.site_id),
    upgradeId: String(row.id),
    target: String(row.target_version),
    state: row.state as ServerUpgradeState,
    fromVersion: row.from_version === null ? null : String(row.from_version),
    agentVersion: row.agent_version ?? undefined,
  };
}

/** Those at their upgrade and on the way back; everything else can wait for the periodic work. */
function isWatched({ state }: PlaceInRollOut): boolean {
  return isInProgress({ state }) || state === 'failed';
}

function desired(place: PlaceInRollOut): string | undefined {
  return desiredVersion(place, place.target, place.agentVersion);
}
