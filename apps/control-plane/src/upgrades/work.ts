import type { Kysely } from 'kysely';
import type { Context } from '../context.ts';
import type { Database } from '../database/open.ts';
import type { Tables } from '../database/tables.ts';
import type { StoredRow } from '../graph/tables.ts';
import { isBehind, newestRelease, published, type Release, readReleases } from '../releases/store.ts';
import { readSettings } from '../settings/store.ts';
import { auditServerUpgrade, auditUpgrade } from './audit.ts';
import { refreshAvailability } from './availability.ts';
import { readFacts, type SiteFacts } from './facts.ts';
import { planUpgrade } from './plan.ts';
import { advance, type RollOutEvent } from './roll-out.ts';
import { isGoingBack, type ServerProgress, type ServerView } from './server-progress.ts';
import {
  insertRollOut,
  readCurrent,
  readProgress,
  readViews,
  rollOutOf,
  stateOf,
  updateRollOut,
  writeProgress,
} from './store.ts';

/** Where a site is worked on: a transaction. */
export type Place = Pick<Database, 'engine'> & { tables: Kysely<Tables> };

/**
 * Begins the roll-outs that are due and takes those that have begun further. Called again and again; every site has a
 * transaction of its own, so that one that fails keeps no other back.
 */
export async function advanceEverySite(
  { database, now }: Pick<Context, 'database' | 'now'>,
  signal: AbortSignal,
): Promise<boolean> {
  const { engine, tables } = database;
  const releases = await readReleases(tables);
  const errors: unknown[] = [];
  for (const facts of await readFacts(tables)) {
    if (signal.aborted) break;
    if (!mayHaveWork(facts, releases, now())) continue;
    const work = (transaction: Kysely<Tables>) =>
      advanceSite({ engine, tables: transaction }, facts.siteId, now());
    await tables
      .transaction()
      .execute(work)
      .catch((error: unknown) => errors.push(error));
  }
  await refreshAvailability(tables, now());
  if (errors.length > 0) throw new AggregateError(errors, 'upgrades of some sites could not go on');
  return false;
}

function mayHaveWork({ current, versions }: SiteFacts, releases: readonly Release[], now: Date): boolean {
  if (current !== undefined && current.state !== 'completed') return true;
  const newest = newestRelease(published(releases, now));
  return newest !== undefined && isBehind(versions, newest);
}

/** Takes the upgrades of one site as far as they go. */
export async function advanceSite(place: Place, siteId: string, now: Date): Promise<void> {
  const { tables } = place;
  const site = await lockSite(place, siteId);
  if (site === undefined) return;
  const { settings } = await readSettings(tables);
  const releases = await readReleases(tables);
  const views = await readViews(tables, siteId);
  const row = await beginIfDue(tables, site, {
    views,
    releases,
    now,
    delayMinutes: settings.upgradeDelayMinutes,
  });
  if (typeof row?.target_version !== 'string') return;
  const target = row.target_version;
  const before = await readProgress(tables, row.id);
  const { rollOut, servers, events } = advance(rollOutOf(row), before, views, {
    now,
    target,
    soakSeconds: settings.upgradeSoakSeconds,
    isReleased: releases.some(({ version }) => version === target),
  });
  await writeProgress(tables, row.id, before, servers);
  const changed =
    rollOut.state === row.state
      ? row
      : await updateRollOut(tables, row, {
          state: rollOut.state,
          finished_date_time: rollOut.finishedAt,
          reason: rollOut.reason,
        });
  for (const event of events) await auditEvent(tables, site, changed, views, event, now);
}

/** Only one transaction at a time works on a site; SQLite has one writer anyway. */
export function lockSite({ engine, tables }: Place, siteId: string): Promise<StoredRow | undefined> {
  return tables
    .selectFrom('sites')
    .selectAll()
    .where('id', '=', siteId)
    .$if(engine === 'postgresql', (rows) => rows.forNoKeyUpdate())
    .$castTo<StoredRow>()
    .executeTakeFirst();
}

interface BeginFacts {
  views: readonly ServerView[];
  releases: readonly Release[];
  now: Date;
  delayMinutes: number;
}

/** The current roll-out of the site: the one that begins now, where one is due. */
async function beginIfDue(
  tables: Kysely<Tables>,
  site: StoredRow,
  { views, releases, now, delayMinutes }: BeginFacts,
): Promise<StoredRow | undefined> {
  const current = await readCurrent(tables, site.id);
  const [facts] = await readFacts(tables, site.id);
  if (facts === undefined) return current;
  const plan = planUpgrade({ ...facts, releases, now, delayMinutes });
  if (plan === undefined || plan.beginsAt.getTime() > now.getTime()) return current;
  if (current !== undefined && someGoBack(await readProgress(tables, current.id), views, now)) return current;
  const begun =
    current !== undefined && stateOf(current) === 'waiting'
      ? await restart(tables, current, now)
      : await insertRollOut(
          tables,
          { siteId: site.id, target: plan.target, state: 'running', requestedBy: undefined },
          now,
        );
  await auditUpgrade(tables, site, begun, 'begin', now);
  return begun;
}

/** A roll-out that waited begins; what it kept of the one before is over. */
async function restart(tables: Kysely<Tables>, row: StoredRow, now: Date): Promise<StoredRow> {
  await tables.deleteFrom('upgrade_servers').where('upgrade_id', '=', row.id).execute();
  return updateRollOut(tables, row, { state: 'running', started_date_time: now.toISOString() });
}

function someGoBack(progress: readonly ServerProgress[], views: readonly ServerView[], now: Date): boolean {
  return progress.some((one) => {
    const view = views.find(({ serverId }) => serverId === one.serverId);
    return view !== undefined && isGoingBack(one, view, now);
  });
}

async function auditEvent(
  tables: Kysely<Tables>,
  site: StoredRow,
  row: StoredRow,
  views: readonly ServerView[],
  event: RollOutEvent,
  now: Date,
): Promise<void> {
  if (!('server' in event)) {
    if (event.kind === 'completed') return auditUpgrade(tables, site, row, 'complete', now);
    return auditUpgrade(tables, site, row, 'fail', now, { outcome: 'failure', detail: String(row.reason) });
  }
  // That a server has begun is in the roll-out; the log tells how it ended.
  if (event.kind === 'serverBegan') return;
  const { serverId, fromVersion, reason } = event.server;
  const name = views.find((view) => view.serverId === serverId)?.name ?? serverId;
  const server = { id: serverId, name };
  const told = {
    serverDone: { verb: 'upgrade', outcome: 'success', detail: `${fromVersion} → ${row.target_version}` },
    serverFailed: { verb: 'upgrade', outcome: 'failure', detail: String(reason) },
    serverReturned: { verb: 'returnToOldVersion', outcome: 'success', detail: String(fromVersion) },
  } as const;
  return auditServerUpgrade(tables, site, server, told[event.kind], now);
}
