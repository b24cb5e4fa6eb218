import type { Actor } from '../audit/record.ts';
import type { StoredRow } from '../graph/tables.ts';
import { ApiError } from '../http/errors.ts';
import { isBehind, newestRelease, published, type Release, readReleases } from '../releases/store.ts';
import { auditUpgrade } from './audit.ts';
import { refreshAvailability } from './availability.ts';
import { readFacts } from './facts.ts';
import { isInProgress } from './server-progress.ts';
import { insertRollOut, readCurrent, readProgress, stateOf, updateRollOut, writeProgress } from './store.ts';
import { advanceSite, lockSite, type Place } from './work.ts';

export interface UpgradeRequest {
  siteId: string;
  /** The newest release when it is absent. */
  version?: string | undefined;
  /** Whether a request with nothing to upgrade is refused; otherwise a roll-out says so. */
  isStrict: boolean;
  actor: Actor;
  now: Date;
}

/**
 * Approves an upgrade of the servers of a site: it begins at once, or when the window of the site opens. One that was stopped
 * goes on. Resolves to the roll-out. Throws an ApiError that says why it cannot be.
 */
export async function requestUpgrade(place: Place, request: UpgradeRequest): Promise<StoredRow> {
  const { siteId, now } = request;
  const site = await lockSite(place, siteId);
  if (site === undefined) throw new ApiError('ResourceNotFound', `there is no site ${siteId}`);
  const target = await chooseTarget(place, request);
  if ('nothing' in target) return note(place, site, request, target);
  const approved = await approve(place, site, request, target.release);
  await advanceSite(place, siteId, now);
  await refreshAvailability(place.tables, now, siteId);
  return (await readCurrent(place.tables, siteId)) ?? approved;
}

type Target = { release: Release } | { nothing: string; version: string | null };

async function chooseTarget(
  { tables }: Place,
  { siteId, version, isStrict, now }: UpgradeRequest,
): Promise<Target> {
  const releases = published(await readReleases(tables), now);
  const release =
    version === undefined ? newestRelease(releases) : releases.find((one) => one.version === version);
  if (release === undefined && version !== undefined) {
    const found = {
      path: 'version',
      found: version,
      message: 'there is no such release, or it is not out yet',
    };
    throw new ApiError('BadRequest', 'the version is no release: GET /api/v1/releases lists them', {
      details: [found],
    });
  }
  const [facts] = await readFacts(tables, siteId);
  if (release !== undefined && isBehind(facts?.versions ?? [], release)) return { release };
  const nothing =
    release === undefined
      ? 'there is nothing to upgrade to: no release is out'
      : `there is nothing to upgrade: no server of this site is known to run a version before ${release.version}`;
  if (isStrict) throw new ApiError('Conflict', nothing);
  return { nothing, version: release?.version ?? null };
}

/** Says in the history of the site that there was nothing to do. */
async function note(
  { tables }: Place,
  site: StoredRow,
  { siteId, actor, now }: UpgradeRequest,
  { nothing, version }: Extract<Target, { nothing: string }>,
): Promise<StoredRow> {
  const row = await insertRollOut(
    tables,
    {
      siteId,
      target: version,
      state: 'completed',
      requestedBy: actor.name,
      reason: nothing,
      isCurrent: false,
    },
    now,
  );
  await auditUpgrade(tables, site, row, 'request', now, { actor, detail: nothing });
  return row;
}

async function approve(
  place: Place,
  site: StoredRow,
  { siteId, actor, now }: UpgradeRequest,
  { version: target }: Release,
): Promise<StoredRow> {
  const { tables } = place;
  const current = await readCurrent(tables, siteId);
  const progress = current === undefined ? [] : await readProgress(tables, current.id);
  const state = current === undefined ? undefined : stateOf(current);
  if (current !== undefined && (state === 'running' || state === 'waiting' || state === 'stopped')) {
    if (current.target_version === target) {
      return state === 'stopped' ? resume(place, site, current, actor, now) : current;
    }
    if (state === 'running' || progress.some(isInProgress)) {
      throw new ApiError(
        'Conflict',
        `the upgrade to ${current.target_version} is under way: wait for its end, or stop it and wait for the server that has begun`,
      );
    }
    const cancelled = await updateRollOut(tables, current, {
      state: 'cancelled',
      finished_date_time: now.toISOString(),
      reason: `replaced by the upgrade to ${target}`,
    });
    await auditUpgrade(tables, site, cancelled, 'cancel', now, { actor, detail: String(cancelled.reason) });
  }
  const row = await insertRollOut(tables, { siteId, target, state: 'waiting', requestedBy: actor.name }, now);
  // A server on its way back goes on with it until this one begins.
  await writeProgress(
    tables,
    row.id,
    [],
    progress.filter((one) => one.state === 'failed'),
  );
  await auditUpgrade(tables, site, row, 'request', now, { actor });
  return row;
}

/** Lets a roll-out begin no further server. The one that has begun is judged as always. */
export async function stop(
  place: Place,
  site: StoredRow,
  id: string,
  actor: Actor,
  now: Date,
): Promise<StoredRow> {
  const row = await currentForChange(place, site, id, ['waiting', 'running'], 'stopped');
  const stopped = await updateRollOut(place.tables, row, {
    state: 'stopped',
    reason: `stopped by ${actor.name}`,
  });
  await auditUpgrade(place.tables, site, stopped, 'stop', now, { actor });
  await refreshAvailability(place.tables, now, site.id);
  return stopped;
}

/** Lets a roll-out that was stopped go on where it was. */
export async function goOn(
  place: Place,
  site: StoredRow,
  id: string,
  actor: Actor,
  now: Date,
): Promise<StoredRow> {
  const row = await currentForChange(place, site, id, ['stopped'], 'resumed');
  const resumed = await resume(place, site, row, actor, now);
  await advanceSite(place, site.id, now);
  await refreshAvailability(place.tables, now, site.id);
  return (await readCurrent(place.tables, site.id)) ?? resumed;
}

async function resume(
  { tables }: Place,
  site: StoredRow,
  row: StoredRow,
  actor: Actor,
  now: Date,
): Promise<StoredRow> {
  const state = typeof row.started_date_time === 'string' ? 'running' : 'waiting';
  const resumed = await updateRollOut(tables, row, { state, reason: null });
  await auditUpgrade(tables, site, resumed, 'resume', now, { actor });
  return resumed;
}

async function currentForChange(
  place: Place,
  site: StoredRow,
  id: string,
  states: readonly string[],
  done: string,
): Promise<StoredRow> {
  await lockSite(place, site.id);
  const row = await place.tables
    .selectFrom('upgrades')
    .selectAll()
    .where('id', '=', id)
    .where('site_id', '=', site.id)
    .$castTo<StoredRow>()
    .executeTakeFirst();
  if (row === undefined) throw new ApiError('ResourceNotFound', `there is no upgrade ${id}`);
  if (row.is_current === 1 && states.includes(stateOf(row))) return row;
  throw new ApiError(
    'Conflict',
    `this upgrade is ${stateOf(row)}: only one that is ${states.join(' or ')} can be ${done}`,
  );
}
