import {
  begin,
  type Gate,
  isInProgress,
  isOn,
  judge,
  newProgress,
  offReason,
  runs,
  type ServerProgress,
  type ServerView,
} from './server-progress.ts';

/** `waiting`: approved, and has not begun. `stopped`: by an administrator, no further server is upgraded. */
export const rollOutStates = ['waiting', 'running', 'stopped', 'completed', 'failed', 'cancelled'] as const;
export type RollOutState = (typeof rollOutStates)[number];

export interface RollOut {
  readonly state: RollOutState;
  /** ISO 8601; null unless it is over. */
  readonly finishedAt: string | null;
  readonly reason: string | null;
}

export interface RollOutRules extends Gate {
  /** False when the release was taken away: servers that come later stay as they are. */
  readonly isReleased: boolean;
}

/** What the audit log tells. */
export type RollOutEvent =
  | {
      readonly kind: 'serverBegan' | 'serverDone' | 'serverFailed' | 'serverReturned';
      readonly server: ServerProgress;
    }
  | { readonly kind: 'completed' | 'failed' };

export interface Advance {
  readonly rollOut: RollOut;
  readonly servers: readonly ServerProgress[];
  readonly events: readonly RollOutEvent[];
}

/**
 * Takes a roll-out as far as it goes. Servers at their upgrade are judged; a failure ends the roll-out, otherwise the next
 * server begins once no other is at it. A completed one goes on when a server comes back, or comes to the site. With the same
 * facts a second call changes nothing, so everybody may call it at any time. `views` are all servers of the site, in the order
 * in which they have their turn.
 */
export function advance(
  rollOut: RollOut,
  progress: readonly ServerProgress[],
  views: readonly ServerView[],
  rules: RollOutRules,
): Advance {
  const viewOf = new Map(views.map((view) => [view.serverId, view]));
  const events: RollOutEvent[] = [];
  const look = (before: ServerProgress): ServerProgress[] => {
    const view = viewOf.get(before.serverId);
    // The record of the server was deleted, and its progress with it.
    if (view === undefined) return [];
    const after = judge(before, view, rules);
    if (after.state === before.state) return [after];
    if (after.state === 'failed') events.push({ kind: 'serverFailed', server: after });
    if (after.state === 'done') events.push({ kind: 'serverDone', server: after });
    if (after.state === 'returned') events.push({ kind: 'serverReturned', server: after });
    // The monitor may have it back already.
    return after.state === 'failed' ? look(after) : [after];
  };
  const servers = progress.flatMap(look);

  const [failed] = events.flatMap((event) => (event.kind === 'serverFailed' ? [event.server] : []));
  if (failed !== undefined) {
    const reason = `${viewOf.get(failed.serverId)?.name ?? failed.serverId}: ${failed.reason}`;
    events.push({ kind: 'failed' });
    return { rollOut: end('failed', reason, rules), servers, events };
  }
  if (rollOut.state !== 'running' && rollOut.state !== 'completed') return { rollOut, servers, events };
  return goOn(rollOut, servers, views, rules, events);
}

function end(state: RollOutState, reason: string | null, { now }: RollOutRules): RollOut {
  return { state, finishedAt: now.toISOString(), reason };
}

/** Lets the next server begin when no other is at it, and completes the roll-out when none is left. */
function goOn(
  rollOut: RollOut,
  progress: readonly ServerProgress[],
  views: readonly ServerView[],
  rules: RollOutRules,
  events: readonly RollOutEvent[],
): Advance {
  const isOneAtIt = progress.some(isInProgress);
  const queued = queue(progress, views, rules);
  // Only who is off at their turn is passed over.
  const servers = isOneAtIt ? queued : passOver(queued, views, rules);
  const next = isOneAtIt ? undefined : nextServer(servers, views, rules);
  if (next !== undefined) {
    const server = begin(next.progress, next.view, rules.now);
    return {
      rollOut: { state: 'running', finishedAt: null, reason: null },
      servers: servers.map((one) => (one.serverId === server.serverId ? server : one)),
      events: [...events, { kind: 'serverBegan', server }],
    };
  }
  if (isOneAtIt || rollOut.state === 'completed') return { rollOut, servers, events };
  return { rollOut: end('completed', null, rules), servers, events: [...events, { kind: 'completed' }] };
}

/** Every server with its place, also those that came to the site since; those that run the version already are done. */
function queue(
  progress: readonly ServerProgress[],
  views: readonly ServerView[],
  { now, target, isReleased }: RollOutRules,
): ServerProgress[] {
  const known = new Map(progress.map((one) => [one.serverId, one]));
  return views.flatMap((view) => {
    const present = known.get(view.serverId) ?? (isReleased ? newProgress(view.serverId) : undefined);
    if (present === undefined) return [];
    if (present.state !== 'waiting' && present.state !== 'skipped') return [present];
    if (runs(view, target))
      return [{ ...present, state: 'done', reason: null, finishedAt: now.toISOString() }];
    return [present];
  });
}

function passOver(
  servers: readonly ServerProgress[],
  views: readonly ServerView[],
  { now }: RollOutRules,
): ServerProgress[] {
  const viewOf = new Map(views.map((view) => [view.serverId, view]));
  return servers.map((server) => {
    const view = viewOf.get(server.serverId);
    const isOff = server.state === 'waiting' && view !== undefined && !isOn(view, now);
    return isOff ? { ...server, state: 'skipped', reason: offReason(view) } : server;
  });
}

/** The first that waits; those that were off come after the others. */
function nextServer(servers: readonly ServerProgress[], views: readonly ServerView[], rules: RollOutRules) {
  if (!rules.isReleased) return undefined;
  const viewOf = new Map(views.map((view) => [view.serverId, view]));
  for (const state of ['waiting', 'skipped']) {
    for (const progress of servers) {
      const view = viewOf.get(progress.serverId);
      if (progress.state === state && view !== undefined && isOn(view, rules.now)) return { progress, view };
    }
  }
  return undefined;
}
