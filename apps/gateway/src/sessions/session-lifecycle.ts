import type { AttachedSession, SessionCounters, SessionView } from '@culvert/contracts';
import type { AccessEvent, SessionEndReason } from '../access-log/access-log.ts';
import type { Engine, SessionEvent } from '../engine/engine.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';

export interface LifecycleWorld {
  engine: Engine;
  now(): number;
  log(event: AccessEvent, at: number): void;
  /** The engine did not do what it was told; it will be told again when it is back. */
  engineFailed(error: unknown, what: string): void;
}

const noTraffic: SessionCounters = { bytesIn: 0, bytesOut: 0, packetsIn: 0, packetsOut: 0 };

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
  ended = 0;

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
      if (attached !== undefined) await this.#confirmAttached(session, attached, now);
      else if (session.state === 'attached') this.#sessions.away(session, now);
      else if (session.state === 'ending') this.#finish(session, 'detached', noTraffic, now);
    }
    for (const id of listed.keys())
      await this.#detach(id, 'This session is not known any more. Please sign in again.');
  }

  async #confirmAttached(session: Session, attached: AttachedSession, now: number): Promise<void> {
    if (session.state === 'ending') await this.#detach(session.id, 'Disconnected by the administrator.');
    else if (session.state === 'waiting') {
      this.#sessions.attached(session, session.remoteAddress, undefined, now);
    }
    session.lost = attached.channel === 'none';
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
      this.#finish(session, reason, noTraffic, this.#world.now());
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
      this.#finish(session, reason, noTraffic, now);
  }

  /** All sessions, with what the engine knows about them if it answers. */
  async views(): Promise<SessionView[]> {
    const listed = await this.#world.engine.list().catch((error: unknown) => {
      this.#world.engineFailed(error, 'list');
      return [];
    });
    const attached = new Map(listed.map((entry) => [entry.session, entry]));
    return [...this.#sessions.all()]
      .filter((session) => session.state !== 'ending')
      .map((session) => viewOf(session, attached.get(session.id)));
  }

  async #detach(id: string, message: string): Promise<void> {
    try {
      await this.#world.engine.detach(id, message);
    } catch (error) {
      this.#world.engineFailed(error, 'detach');
    }
  }

  #finish(session: Session, reason: SessionEndReason, counters: SessionCounters, at: number): void {
    const stated = this.#reasons.get(session.id) ?? reason;
    this.#reasons.delete(session.id);
    this.#world.log(
      {
        event: 'end',
        ...identify(session),
        reason: stated,
        bytesIn: counters.bytesIn,
        bytesOut: counters.bytesOut,
        durationSeconds: Math.max(0, Math.round((at - session.signedInAt) / 1000)),
      },
      at,
    );
    this.#sessions.remove(session);
    this.ended += 1;
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
    state: session.state === 'attached' && !session.lost && channel !== 'none' ? 'connected' : 'away',
    channel,
    signedInAt: session.signedInAt,
    endsAt: session.endsAt,
    bytesIn: attached?.counters.bytesIn ?? 0,
    bytesOut: attached?.counters.bytesOut ?? 0,
    ...(tls === '' ? {} : { tls }),
    ...(attached?.dtlsCipherSuite === undefined ? {} : { dtls: attached.dtlsCipherSuite }),
  };
}
