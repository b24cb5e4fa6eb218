import type { AddressPool } from '../addresses/address-pool.ts';
import { cookieMatches, newCookie, sessionIdOf } from './cookie.ts';
import {
  type DeviceFacts,
  firstConnectMilliseconds,
  noTraffic,
  type Session,
  type Traffic,
} from './session.ts';
import type { SessionStore } from './session-store.ts';

export interface SessionRules {
  sessionTimeoutSeconds: number;
  roamingTimeoutSeconds: number;
  maximumSessionsPerAccount: number;
}

/** Whether another session of a user fits; `replace` names the old one that has to go first. */
export type Room =
  | { kind: 'free' }
  | { kind: 'replace'; session: Session }
  | { kind: 'tooManySessions' }
  | { kind: 'noAddress' };

export type Overdue = { session: Session; reason: 'neverConnected' | 'roamingTimeout' | 'sessionTimeout' };

/** The device's end of a tunnel that has opened. */
export interface TunnelEnd {
  remoteAddress: string;
  hostname?: string | undefined;
  mtu?: number | undefined;
}

/**
 * The table of sessions: who holds which addresses, and until when. Time and randomness are parameters; every
 * change is in the store before the method returns.
 */
export class Sessions {
  readonly #store: SessionStore;
  readonly #random: (bytes: number) => Buffer;
  readonly #byId = new Map<string, Session>();
  readonly #byUser = new Map<string, Session[]>();
  /** Sessions that are not in the engine; the only ones whose time the gateway itself watches. */
  readonly #waiting = new Set<Session>();
  /** Sessions whose addresses are taken from the pool for them; those of the others may be somebody else's by now. */
  #leased = new Set<Session>();
  #pool: AddressPool;
  rules: SessionRules;

  constructor(
    rules: SessionRules,
    pool: AddressPool,
    store: SessionStore,
    random: (bytes: number) => Buffer,
  ) {
    this.rules = rules;
    this.#pool = pool;
    this.#store = store;
    this.#random = random;
  }

  get size(): number {
    return this.#byId.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get freeAddresses(): number {
    return this.#pool.free;
  }

  all(): IterableIterator<Session> {
    return this.#byId.values();
  }

  get(id: string): Session | undefined {
    return this.#byId.get(id);
  }

  ofUser(user: string): readonly Session[] {
    return this.#byUser.get(user) ?? [];
  }

  /** Takes over what the previous process left, except `ended` ones. Returns those whose address is no longer ours. */
  restore(ended: ReadonlySet<string>): Session[] {
    const stranded: Session[] = [];
    for (const session of this.#store.load()) {
      if (ended.has(session.id)) {
        this.#store.remove(session.id);
        continue;
      }
      if (this.#pool.reserve(session.lease)) this.#leased.add(session);
      else stranded.push(session);
      this.#add(session);
    }
    return stranded;
  }

  /** Asked before `admit`. A session whose device is away gives way to a new one of the same user. */
  room(user: string, facts: DeviceFacts): Room {
    const own = this.ofUser(user).filter((session) => session.state !== 'ending');
    const full = own.length >= this.rules.maximumSessionsPerAccount;
    if (!full && this.#pool.free > 0) return { kind: 'free' };
    // While the engine still holds the old session its address is not free for another one.
    const away = own.filter(
      (session) => session.state === 'waiting' || (session.lost && this.#pool.free > 0),
    );
    const session = preferred(away, facts);
    if (session !== undefined) return { kind: 'replace', session };
    return { kind: full ? 'tooManySessions' : 'noAddress' };
  }

  /** Makes the session of a device that has just proved who its user is. Undefined when no address is free. */
  admit(user: string, facts: DeviceFacts, now: number): { session: Session; cookie: string } | undefined {
    const lease = this.#pool.allocate();
    if (lease === undefined) return undefined;
    let fresh = newCookie(this.#random);
    while (this.#byId.has(fresh.id)) fresh = newCookie(this.#random);
    const endsAt = now + this.rules.sessionTimeoutSeconds * 1000;
    const session: Session = {
      id: flat(fresh.id),
      cookieHash: fresh.hash,
      user: flat(user),
      lease,
      dtlsId: this.#random(32).toString('hex'),
      platform: facts.platform,
      deviceType: facts.deviceType,
      deviceUniqueId: facts.deviceUniqueId,
      userAgent: facts.userAgent,
      remoteAddress: facts.remoteAddress,
      hostname: undefined,
      signedInAt: now,
      endsAt,
      mtu: undefined,
      connectedAt: undefined,
      state: 'waiting',
      deadline: Math.min(now + firstConnectMilliseconds, endsAt),
      carried: noTraffic,
      seen: noTraffic,
      lost: false,
    };
    try {
      this.#store.insert(session);
    } catch (error) {
      this.#pool.release(lease);
      throw error;
    }
    this.#leased.add(session);
    this.#add(session);
    return { session, cookie: fresh.cookie };
  }

  /** The live session of a cookie. Undefined for anything else: unknown, forged, ended, over its time. */
  authenticate(cookie: string, now: number): Session | undefined {
    const id = sessionIdOf(cookie);
    const session = id === undefined ? undefined : this.#byId.get(id);
    if (session === undefined || !cookieMatches(cookie, session.cookieHash)) return undefined;
    if (session.state === 'ending' || now >= session.endsAt) return undefined;
    if (session.state === 'waiting' && now >= session.deadline) return undefined;
    return session;
  }

  /** The engine carries this session now. Returns true for its first tunnel. */
  attached(session: Session, { remoteAddress, hostname, mtu }: TunnelEnd, now: number): boolean {
    const first = session.connectedAt === undefined;
    session.state = 'attached';
    session.lost = false;
    session.connectedAt ??= now;
    session.remoteAddress = remoteAddress;
    session.hostname = hostname ?? session.hostname;
    session.mtu = mtu ?? session.mtu;
    this.#waiting.delete(session);
    this.#store.update(session);
    return first;
  }

  /**
   * The engine does not know this session any more: its device has the roaming time to come back. It must not find
   * its DTLS identifier again, or it would go on sending under keys that died with that engine.
   */
  away(session: Session, now: number): void {
    session.state = 'waiting';
    session.dtlsId = this.#random(32).toString('hex');
    session.carried = totalTraffic(session);
    session.seen = noTraffic;
    session.deadline = Math.min(now + this.rules.roamingTimeoutSeconds * 1000, session.endsAt);
    this.#waiting.add(session);
    this.#store.update(session);
  }

  /** What the engine has carried for this session by now. */
  saw(session: Session, { bytesIn, bytesOut }: Traffic): void {
    if (session.seen.bytesIn === bytesIn && session.seen.bytesOut === bytesOut) return;
    session.seen = { bytesIn, bytesOut };
    this.#store.update(session);
  }

  /** From now on its cookie opens nothing; the record stays until the engine has let go. */
  ending(session: Session): void {
    session.state = 'ending';
    this.#waiting.delete(session);
    this.#store.update(session);
  }

  /** Forgets the session and frees its addresses. False when that was done before. */
  remove(session: Session): boolean {
    if (!this.#byId.delete(session.id)) return false;
    this.#waiting.delete(session);
    const own = this.#byUser.get(session.user) ?? [];
    if (own.length <= 1) this.#byUser.delete(session.user);
    else own.splice(own.indexOf(session), 1);
    if (this.#leased.delete(session)) this.#pool.release(session.lease);
    this.#store.remove(session.id);
    return true;
  }

  /** Sessions that waited long enough. The caller logs and removes each. */
  overdue(now: number): Overdue[] {
    const overdue: Overdue[] = [];
    for (const session of this.#waiting) {
      if (now < session.deadline) continue;
      const reason =
        now >= session.endsAt
          ? 'sessionTimeout'
          : session.connectedAt === undefined
            ? 'neverConnected'
            : 'roamingTimeout';
      overdue.push({ session, reason });
    }
    return overdue;
  }

  /** Moves to another pool. Returns the sessions whose addresses are not in it. */
  replacePool(pool: AddressPool): Session[] {
    this.#pool = pool;
    const all = [...this.#byId.values()];
    this.#leased = new Set(all.filter((session) => pool.reserve(session.lease)));
    return all.filter((session) => !this.#leased.has(session));
  }

  #add(session: Session): void {
    this.#byId.set(session.id, session);
    const own = this.#byUser.get(session.user);
    if (own === undefined) this.#byUser.set(session.user, [session]);
    else own.push(session);
    if (session.state === 'waiting') this.#waiting.add(session);
  }
}

/** All bytes of a session, with `seen` as the part of the present engine. */
export function totalTraffic({ carried, seen: known }: Session, seen: Traffic = known): Traffic {
  return { bytesIn: carried.bytesIn + seen.bytesIn, bytesOut: carried.bytesOut + seen.bytesOut };
}

function preferred(away: readonly Session[], facts: DeviceFacts): Session | undefined {
  const sameDevice = (session: Session) =>
    facts.deviceUniqueId !== undefined && session.deviceUniqueId === facts.deviceUniqueId;
  return away.find(sameDevice) ?? away.toSorted((left, right) => left.signedInAt - right.signedInAt)[0];
}

/** A copy that does not keep the request alive of which V8 made it a slice. */
export const flat = (text: string): string => Buffer.from(text, 'utf8').toString('utf8');
