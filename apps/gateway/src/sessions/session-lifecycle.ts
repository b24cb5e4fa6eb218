import type { AttachedSession, SessionView } from '@culvert/contracts';
import type { AccessEvent, SessionEndReason } from '../access-log/access-log.ts';
import type { Engine, SessionEvent } from '../engine/engine.ts';
import type { Session, Traffic } from './session.ts';
import { SessionTotals } from './session-totals.ts';
import { type Sessions, totalTraffic } from './sessions.ts';

export interface LifecycleWorld {
  engine: Engine;
  now(): number;
  log(event: AccessEvent, at: number): void;
  /** The engine did not do what it was told; it will be told again when it is back. */
  engineFailed(error: unknown, what: string): void;
}

/**
 * Keeps the table of sessions and the engine in step, and writes the one access log line with which each
 * session ends: first the line, then the record, then the acknowledgement, so that a process that dies in
 * between neither forgets nor repeats an end (`AccessLog.recentlyEnded` covers the first gap).
 */
export class SessionLifecycle {
  readonly #sessions: Sessions;
  readonly #world: LifecycleWorld;
  /** Why sessions in state `ending` end; the engine itself only knows that it was told to detach them. */
  readonly #reasons = new Map<string, SessionEndReason>();
  readonly totals = new SessionTotals();

  constructor(sessions: Sessions, world: LifecycleWorld) {
    this.#sessions = sessions;
    this.#world = world;
  }

  /** Compares both sides after the engine or the gateway came (back) up. */
  async reconcile(): Promise<void> {
    const listed = new Map((await this.#world.engine.list()).map((attached) => [attached.session, attached]));
    const now = this.#world.now();
    for (const session of [...this.#sessions.all()]) {
      const attached = listed.get(session.id);
      listed.delete(session.id);
      if (attached !== undefined) this.#confirmAttached(session, attached, now);
      else if (session.state === 'attached') this.#sessions.away(session, now);
      else if (session.state === 'ending') this.#finish(session, 'detached', session.seen, now);
    }
    const message = 'This session is not known any more. Please sign in again.';
    await Promise.all([...listed.keys()].map((id) => this.#detach(id, message)));
  }

  #confirmAttached(session: Session, attached: AttachedSession, now: number): void {
    if (session.state === 'ending') void this.#detach(session.id, 'Disconnected by the administrator.');
    else if (session.state === 'waiting') {
      this.#sessions.attached(session, { remoteAddress: session.remoteAddress }, now);
    }
    session.lost = attached.channel === 'none';
    this.#sessions.saw(session, attached.counters);
  }

  /** What the engine tells about a session. */
  handle(event: SessionEvent): void {
    const session = this.#sessions.get(event.session);
    if (event.type === 'lost' && session !== undefined) session.lost = true;
    if (event.type !== 'ended') return;
    // Without a record the end is in the log already, and only the acknowledgement was lost.
    if (session !== undefined) this.#finish(session, event.reason, event.counters, event.at);
    this.#world.engine.acknowledge(event.session).catch((error: unknown) => {
      this.#world.engineFailed(error, 'acknowledge');
    });
  }

  /** Ends a session for a reason of the gateway's own. Resolves when the engine has been told. */
  async end(session: Session, reason: SessionEndReason, message: string): Promise<void> {
    if (session.state === 'ending') return;
    if (session.state === 'waiting') {
      this.#finish(session, reason, session.seen, this.#world.now());
      return;
    }
    this.#sessions.ending(session);
    this.#reasons.set(session.id, reason);
    await this.#detach(session.id, message);
  }

  /** Ends the sessions whose device did not come in time. To be called every second or so. */
  sweep(): void {
    const now = this.#world.now();
    for (const { session, reason } of this.#sessions.overdue(now))
      this.#finish(session, reason, session.seen, now);
  }

  /** Asks the engine how much it has carried, so that not all of it is forgotten when it dies. */
  async noteTraffic(): Promise<void> {
    await this.#list();
  }

  /** All sessions, with what the engine knows about them if it answers; those that are ending only when asked for. */
  async views({ ending = false } = {}): Promise<SessionView[]> {
    const attached = await this.#list();
    return [...this.#sessions.all()]
      .filter((session) => ending || session.state !== 'ending')
      .map((session) => viewOf(session, attached.get(session.id)));
  }

  async #list(): Promise<Map<string, AttachedSession>> {
    const listed = await this.#world.engine.list().catch((error: unknown) => {
      this.#world.engineFailed(error, 'list');
      return [];
    });
    for (const { session: id, counters } of listed) {
      const session = this.#sessions.get(id);
      if (session !== undefined) this.#sessions.saw(session, counters);
    }
    return new Map(listed.map((entry) => [entry.session, entry]));
  }

  async #detach(id: string, message: string): Promise<void> {
    try {
      await this.#world.engine.detach(id, message);
    } catch (error) {
      this.#world.engineFailed(error, 'detach');
    }
  }

  /** `seen` is what the present engine has carried. */
  #finish(session: Session, reason: SessionEndReason, seen: Traffic, at: number): void {
    const stated = this.#reasons.get(session.id) ?? reason;
    this.#reasons.delete(session.id);
    const end = {
      reason: stated,
      ...totalTraffic(session, seen),
      durationSeconds: Math.max(0, Math.round((at - session.signedInAt) / 1000)),
    };
    this.#world.log({ event: 'end', ...identify(session), ...end }, at);
    this.totals.add(end);
    this.#sessions.remove(session);
  }
}

/** The fields by which a log line names a session. */
export function identify(session: Session) {
  return {
    user: session.user,
    session: session.id,
    platform: session.platform,
    ...(session.deviceType === undefined ? {} : { deviceType: session.deviceType }),
    ...(session.hostname === undefined ? {} : { hostname: session.hostname }),
    ...(session.userAgent === undefined ? {} : { userAgent: session.userAgent }),
    remoteAddress: session.remoteAddress,
    ...session.lease,
  };
}

function viewOf(session: Session, attached: AttachedSession | undefined): SessionView {
  const { session: id, ...facts } = identify(session);
  const channel = attached?.channel ?? 'none';
  const tls = [attached?.tlsVersion, attached?.tlsCipherSuite].filter((part) => part !== undefined).join(' ');
  return {
    id,
    ...facts,
    state: shownState(session, channel),
    channel,
    signedInAt: session.signedInAt,
    endsAt: session.endsAt,
    ...(session.connectedAt === undefined ? {} : { connectedAt: session.connectedAt }),
    ...(attached === undefined ? {} : { lastActivityAt: attached.lastActivityAt }),
    ...(session.mtu === undefined ? {} : { mtu: session.mtu }),
    ...totalTraffic(session, attached?.counters),
    ...(tls === '' ? {} : { tls }),
    ...(attached?.dtlsCipherSuite === undefined ? {} : { dtls: attached.dtlsCipherSuite }),
  };
}

function shownState({ state, lost }: Session, channel: SessionView['channel']): SessionView['state'] {
  if (state === 'ending') return 'ending';
  return state === 'attached' && !lost && channel !== 'none' ? 'connected' : 'away';
}
