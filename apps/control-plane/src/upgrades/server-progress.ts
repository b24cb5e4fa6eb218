import { isNewer } from '../releases/versions.ts';

/**
 * `upgrading`: told to switch. `verifying`: came up, and is watched. `failed`: goes back to its old version, or could not.
 * `returned`: failed and is back. `skipped`: is off, and has its turn when it comes back.
 */
export const serverUpgradeStates = [
  'waiting',
  'upgrading',
  'verifying',
  'done',
  'failed',
  'returned',
  'skipped',
] as const;
export type ServerUpgradeState = (typeof serverUpgradeStates)[number];

/** How far one server is. Times are ISO 8601 by the clock of the control plane. */
export interface ServerProgress {
  readonly serverId: string;
  readonly state: ServerUpgradeState;
  /** The version before. */
  readonly fromVersion: string | null;
  readonly startedAt: string | null;
  /** When it was first answered with the version of the upgrade: from then on it may be switching. */
  readonly toldAt: string | null;
  /** When it first checked in with the version of the upgrade. */
  readonly cameUpAt: string | null;
  /** Since when every look at it found nothing wrong. */
  readonly healthySince: string | null;
  readonly finishedAt: string | null;
  readonly reason: string | null;
  /** Metrics that were unhealthy before the upgrade: it is not to blame for those. */
  readonly unhealthyBefore: readonly string[];
  /** The time in the report of its monitor before the upgrade: that report is about another one. */
  readonly reportBefore: string | null;
}

/** What the control plane knows of a server. */
export interface ServerView {
  readonly serverId: string;
  readonly name: string;
  /** Undefined before its first check-in. */
  readonly agentVersion: string | undefined;
  /** Undefined while no gateway answers. */
  readonly gatewayVersion: string | undefined;
  readonly lastCheckInAt: string | undefined;
  /** Names of the metrics that are unhealthy. */
  readonly unhealthy: readonly string[];
  /** What its monitor has told last. */
  readonly report: UpgradeNews | undefined;
}

export interface UpgradeNews {
  readonly version: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly reason: string | undefined;
  /** By the clock of the server: good to tell two reports apart, and for nothing else. */
  readonly at: string;
}

/** What a server is judged by. */
export interface Gate {
  readonly now: Date;
  /** The version of the roll-out. */
  readonly target: string;
  /** Seconds for which a server must be healthy. */
  readonly soakSeconds: number;
}

const second = 1_000;
const minute = 60 * second;

/** A server whose last check-in is longer ago is off: two of its check-ins were missed. */
const offAfter = 3 * minute;
/** A server that was told to switch has so long to come up; a slow line must be able to load a release in it. */
const comeUpWithin = 30 * minute;
/** A server that came up may be unhealthy for so long before it is given up: caches fill, averages calm down. */
const healthyWithin = 10 * minute;

export function newProgress(serverId: string): ServerProgress {
  return {
    serverId,
    state: 'waiting',
    fromVersion: null,
    startedAt: null,
    toldAt: null,
    cameUpAt: null,
    healthySince: null,
    finishedAt: null,
    reason: null,
    unhealthyBefore: [],
    reportBefore: null,
  };
}

/** True while a server is at its upgrade: no other one of its site may be. */
export function isInProgress({ state }: Pick<ServerProgress, 'state'>): boolean {
  return state === 'upgrading' || state === 'verifying';
}

/** True when the server checks in. */
export function isOn({ lastCheckInAt }: ServerView, now: Date): boolean {
  return lastCheckInAt !== undefined && now.getTime() - Date.parse(lastCheckInAt) <= offAfter;
}

/** True when everything on the server that tells its version has this one or a newer one. */
export function runs({ agentVersion, gatewayVersion }: ServerView, target: string): boolean {
  if (agentVersion === undefined) return false;
  return !isNewer(target, agentVersion) && !isNewer(target, gatewayVersion ?? agentVersion);
}

/** The version of a server as a whole: that of its older part. */
export function versionOf({
  agentVersion,
  gatewayVersion,
}: Pick<ServerView, 'agentVersion' | 'gatewayVersion'>): string | undefined {
  if (agentVersion === undefined || gatewayVersion === undefined) return agentVersion;
  return isNewer(agentVersion, gatewayVersion) ? gatewayVersion : agentVersion;
}

/** The server begins its upgrade. */
export function begin(progress: ServerProgress, view: ServerView, now: Date): ServerProgress {
  return {
    ...newProgress(progress.serverId),
    state: 'upgrading',
    fromVersion: versionOf(view) ?? null,
    startedAt: now.toISOString(),
    unhealthyBefore: view.unhealthy,
    reportBefore: view.report?.at ?? null,
  };
}

/** Where a server that has begun, or that goes back, is now. Others stay as they are. */
export function judge(progress: ServerProgress, view: ServerView, gate: Gate): ServerProgress {
  if (progress.state === 'upgrading') return judgeUpgrading(progress, view, gate);
  if (progress.state === 'verifying') return judgeVerifying(progress, view, gate);
  if (progress.state !== 'failed') return progress;
  // One that is late may still come up with the version that it is to leave.
  const isSwitching = newsOf(progress, view, gate.target)?.state === 'running';
  return isBack(progress, view) && !isSwitching ? { ...progress, state: 'returned' } : progress;
}

function judgeUpgrading(progress: ServerProgress, view: ServerView, gate: Gate): ServerProgress {
  const { now, target } = gate;
  const { toldAt } = progress;
  const news = newsOf(progress, view, target);
  if (news?.state === 'failed') return fail(progress, now, monitorReason(news));
  if (view.agentVersion !== undefined && !isNewer(target, view.agentVersion)) {
    return judgeVerifying({ ...progress, state: 'verifying', cameUpAt: now.toISOString() }, view, gate);
  }
  if (toldAt === null) {
    if (isOn(view, now)) return progress;
    return { ...newProgress(progress.serverId), state: 'skipped', reason: offReason(view) };
  }
  if (elapsed(toldAt, now) <= comeUpWithin) return progress;
  const state = news?.state === 'running' ? 'its monitor still switches' : `it reports ${view.agentVersion}`;
  return fail(progress, now, `did not come up with ${target} within ${minutes(comeUpWithin)}: ${state}`);
}

function judgeVerifying(progress: ServerProgress, view: ServerView, gate: Gate): ServerProgress {
  const { now, target, soakSeconds } = gate;
  const news = newsOf(progress, view, target);
  if (news?.state === 'failed') return fail(progress, now, monitorReason(news));
  if (view.agentVersion === undefined || isNewer(target, view.agentVersion)) {
    return fail(progress, now, `came up with ${target} and went back to ${view.agentVersion} by itself`);
  }
  const soak = soakSeconds * second;
  const problem = problemOf(progress, view, news, gate);
  const heard = view.lastCheckInAt ?? now.toISOString();
  const healthySince = problem === undefined ? (progress.healthySince ?? heard) : null;
  // Silence is no health: a check-in at the end of the time tells.
  if (healthySince !== null && Date.parse(heard) - Date.parse(healthySince) >= soak) {
    return { ...progress, state: 'done', healthySince, finishedAt: now.toISOString() };
  }
  if (elapsed(progress.cameUpAt ?? now.toISOString(), now) <= healthyWithin + soak) {
    return { ...progress, healthySince };
  }
  const why = problem ?? 'it was not healthy for long enough';
  const limit = minutes(healthyWithin + soak);
  return fail(
    { ...progress, healthySince },
    now,
    `came up with ${target} and was not healthy within ${limit}: ${why}`,
  );
}

/** What keeps a server that came up from being healthy. */
function problemOf(
  { unhealthyBefore }: ServerProgress,
  view: ServerView,
  news: UpgradeNews | undefined,
  { now, target }: Gate,
): string | undefined {
  if (!isOn(view, now)) return offReason(view);
  if (view.gatewayVersion === undefined) return 'its gateway does not answer';
  if (!runs(view, target)) return `its gateway runs ${view.gatewayVersion} still`;
  if (news?.state === 'running') return 'its monitor still switches';
  const worse = view.unhealthy.filter((metric) => !unhealthyBefore.includes(metric));
  return worse.length === 0 ? undefined : `unhealthy are ${worse.join(', ')}`;
}

/** Why a server is passed over, for the administrator. */
export function offReason({ lastCheckInAt }: ServerView): string {
  return lastCheckInAt === undefined
    ? 'it has not checked in yet'
    : `it is off: its last check-in was at ${lastCheckInAt}`;
}

function isBack({ fromVersion }: ServerProgress, { agentVersion, gatewayVersion }: ServerView): boolean {
  if (fromVersion === null || agentVersion === undefined) return false;
  return !isNewer(agentVersion, fromVersion) && !isNewer(gatewayVersion ?? agentVersion, fromVersion);
}

/**
 * True while a server whose upgrade failed is on its way back. That may fail as well, or never end; then nothing waits for it
 * any longer.
 */
export function isGoingBack(progress: ServerProgress, view: ServerView, now: Date): boolean {
  const { state, fromVersion, finishedAt } = progress;
  if (state !== 'failed' || fromVersion === null || finishedAt === null || !isOn(view, now)) return false;
  const hasFailed = view.report?.version === fromVersion && view.report.state === 'failed';
  return !hasFailed && !isBack(progress, view) && elapsed(finishedAt, now) <= comeUpWithin;
}

/** The version that a server is to run; undefined when it may stay as it is. Nothing is older than what runs but the way back. */
export function desiredVersion(
  progress: Pick<ServerProgress, 'state' | 'fromVersion'>,
  target: string,
  agentVersion: string | undefined,
): string | undefined {
  if (progress.state === 'failed') return progress.fromVersion ?? undefined;
  if (!isInProgress(progress)) return undefined;
  return agentVersion !== undefined && isNewer(agentVersion, target) ? undefined : target;
}

/** What an upgrade makes of the status of a server; undefined when it says nothing about it. */
export function upgradeStatusOf(
  progress: Pick<ServerProgress, 'state'> | undefined,
  report: Pick<UpgradeNews, 'state'> | undefined,
): 'upgradeInProgress' | 'upgradeFailed' | undefined {
  if (report?.state === 'running' || (progress !== undefined && isInProgress(progress)))
    return 'upgradeInProgress';
  return progress?.state === 'failed' || progress?.state === 'returned' ? 'upgradeFailed' : undefined;
}

/** What the monitor told of this upgrade; the report of an earlier one is none. */
function newsOf(
  { reportBefore }: ServerProgress,
  { report }: ServerView,
  target: string,
): UpgradeNews | undefined {
  return report?.version === target && report.at !== reportBefore ? report : undefined;
}

function monitorReason({ reason }: UpgradeNews): string {
  return reason ?? 'its monitor could not switch and does not say why: look at its log';
}

function fail(progress: ServerProgress, now: Date, reason: string): ServerProgress {
  return { ...progress, state: 'failed', finishedAt: now.toISOString(), reason };
}

function elapsed(since: string, now: Date): number {
  return now.getTime() - Date.parse(since);
}

function minutes(milliseconds: number): string {
  return `${Math.round(milliseconds / minute)} minutes`;
}
