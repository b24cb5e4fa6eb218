import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Tables } from '../database/tables.ts';
import { desiredVersion, isInProgress, type ServerUpgradeState, upgradeStatusOf } from './server-progress.ts';
import { advanceSite, type Place } from './work.ts';

/** What a check-in is answered about upgrades. */
export interface UpgradeAnswer {
  /** The version that the server is to run; undefined when it may stay as it is. */
  desiredVersion: string | undefined;
  /** True while the server is at its upgrade: it should check in often, because others wait for it. */
  isWatched: boolean;
  /** As `upgradeStep` says it after this check-in. */
  step: string | null;
}

const notWatched: UpgradeAnswer = { desiredVersion: undefined, isWatched: false, step: null };

/**
 * Names where a server is in an upgrade that tells it what to run, or null: when it changes, the server must check in. `server` is
 * the identifier of the server in a statement.
 */
export function upgradeStep(server: RawBuilder<unknown>): RawBuilder<string | null> {
  return sql<string | null>`(
    select mine.upgrade_id || '/' || mine.state from upgrade_servers as mine
    join upgrades as roll_out on roll_out.id = mine.upgrade_id
    where mine.server_id = ${server} and roll_out.is_current = 1
    and mine.state in ('upgrading', 'verifying', 'failed'))`;
}

/**
 * Takes the roll-out of the site further with what the server has told, and says what it is to run. For the check-in, in its
 * transaction, after the state of the server was written.
 */
export async function upgradeAtCheckIn(place: Place, serverId: string, now: Date): Promise<UpgradeAnswer> {
  const { tables } = place;
  const before = await readPlace(tables, serverId);
  if (before === undefined || !isTold(before)) return notWatched;
  await advanceSite(place, before.siteId, now);
  const after = await readPlace(tables, serverId);
  if (after === undefined || !isTold(after)) return notWatched;
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
  return {
    desiredVersion: desired(after),
    isWatched: isInProgress(after),
    step: `${after.upgradeId}/${after.state}`,
  };
}

/** The version that a server is to run; undefined when it may stay as it is. */
export async function desiredVersionOf(
  tables: Kysely<Tables>,
  serverId: string,
): Promise<string | undefined> {
  const place = await readPlace(tables, serverId);
  return place === undefined ? undefined : desired(place);
}

/** What the current upgrade makes of the status of these servers; `status` is undefined where it says nothing about it. */
export async function upgradeStatuses(
  tables: Kysely<Tables>,
  serverIds: readonly string[],
): Promise<Map<string, UpgradeStatus>> {
  if (serverIds.length === 0) return new Map();
  const rows = await tables
    .selectFrom('upgrade_servers')
    .innerJoin('upgrades', 'upgrades.id', 'upgrade_servers.upgrade_id')
    .select(['upgrades.id', 'upgrade_servers.server_id', 'upgrade_servers.state', 'upgrade_servers.reason'])
    .where('upgrades.is_current', '=', 1)
    .where('upgrade_servers.server_id', 'in', serverIds)
    .execute();
  return new Map(
    rows.map(({ id, server_id, state, reason }) => {
      const status = upgradeStatusOf({ state: state as ServerUpgradeState }, undefined);
      return [server_id, { upgradeId: String(id), status, reason: reason ?? undefined }];
    }),
  );
}

/** How the current upgrade of its site shows in the status of a server. */
export interface UpgradeStatus {
  readonly upgradeId: string;
  readonly status: 'upgradeInProgress' | 'upgradeFailed' | undefined;
  readonly reason: string | undefined;
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

/** Those at their upgrade and on the way back are told what to run; everything else can wait for the periodic work. */
function isTold({ state }: PlaceInRollOut): boolean {
  return isInProgress({ state }) || state === 'failed';
}

function desired(place: PlaceInRollOut): string | undefined {
  return desiredVersion(place, place.target, place.agentVersion);
}
