import type { BanPoints, BanView } from '@culvert/contracts';
import { canonicalAddress, originOf } from '../addresses/networks.ts';
import { BoundedMap } from './bounded-map.ts';
import { SlidingCount } from './sliding-count.ts';

export interface GuessingRules {
  failuresBeforeBan: number;
  banSeconds: number;
  /** Addresses whose failures never lead to a ban; their accounts are still slowed down. */
  neverBan: readonly string[];
}

/** What may happen with a sign-in: wait that long and go on, or nothing until the ban is over. */
export type GuardVerdict = { kind: 'proceed'; delayMilliseconds: number } | { kind: 'banned'; until: number };

/** Origins and accounts remembered; about 300 bytes each. */
const maximumOrigins = 16_384;
const maximumAccounts = 16_384;

/** A person mistypes twice; from the third failure on each costs twice the time of the one before. */
const freeFailures = 2;
const firstDelay = 500;
const maximumDelay = 8000;

/**
 * Slows down and bans password guessing. Addresses are banned, accounts only answer more slowly: a stranger
 * must not be able to lock anybody out (protocol.md §7.1; CVE-2023-20269: one count over all ways in).
 */
export class GuessingGuard {
  #rules: GuessingRules;
  #neverBan: ReadonlySet<string>;
  readonly #origins = new BoundedMap<string, SlidingCount>(maximumOrigins);
  readonly #accounts = new BoundedMap<string, SlidingCount>(maximumAccounts);
  readonly #bans = new BoundedMap<string, { failures: number; until: number }>(maximumOrigins);
  /** Attempts whose outcome is not known yet, by account; as many entries as attempts in flight. */
  readonly #pending = new Map<string, number>();

  readonly #onBan: (ban: BanView, at: number) => void;

  /** `onBan` hears of every ban when it begins. */
  constructor(rules: GuessingRules, onBan: (ban: BanView, at: number) => void = () => {}) {
    this.#rules = rules;
    this.#onBan = onBan;
    this.#neverBan = new Set(rules.neverBan.map(canonicalAddress));
  }

  reconfigure(rules: GuessingRules): void {
    this.#rules = rules;
    this.#neverBan = new Set(rules.neverBan.map(canonicalAddress));
    for (const address of rules.neverBan) this.#bans.delete(originOf(address));
  }

  /** When the ban of this address ends, or undefined when it is free to sign in. */
  bannedUntil(address: string, now: number): number | undefined {
    if (this.#bans.size === 0 || this.#neverBan.has(canonicalAddress(address))) return undefined;
    const origin = originOf(address);
    const ban = this.#bans.get(origin);
    if (ban === undefined) return undefined;
    if (ban.until > now) return ban.until;
    this.#bans.delete(origin);
    return undefined;
  }

  /**
   * Begins an attempt, before its password is looked at; `end` must follow when it may proceed. Attempts in
   * flight count like failures, so that many guesses at once are slowed down like many in a row.
   */
  begin(address: string, account: string, now: number): GuardVerdict {
    const until = this.bannedUntil(address, now);
    if (until !== undefined) return { kind: 'banned', until };
    const key = accountKey(account);
    const pending = this.#pending.get(key) ?? 0;
    this.#pending.set(key, pending + 1);
    const failures = this.#accounts.get(key)?.total(now) ?? 0;
    return { kind: 'proceed', delayMilliseconds: delayAfter(failures + pending) };
  }

  /** The attempt is over, whatever came out. */
  end(account: string): void {
    const key = accountKey(account);
    const pending = this.#pending.get(key) ?? 0;
    if (pending <= 1) this.#pending.delete(key);
    else this.#pending.set(key, pending - 1);
  }

  /** A password was wrong. Returns the end of the ban that this failure brought, if it did. */
  failed(address: string, account: string, now: number): number | undefined {
    count(this.#accounts, accountKey(account), now);
    if (this.#neverBan.has(canonicalAddress(address))) return undefined;
    const origin = originOf(address);
    const failures = count(this.#origins, origin, now);
    if (failures < this.#rules.failuresBeforeBan) return undefined;
    const until = now + this.#rules.banSeconds * 1000;
    this.#bans.set(origin, { failures, until });
    this.#origins.delete(origin);
    this.#onBan({ address: origin, failures, until: Math.ceil(until) }, now);
    return until;
  }

  /** The account's owner got in, so the account answers at once again. The address keeps its count. */
  succeeded(account: string): void {
    this.#accounts.delete(accountKey(account));
  }

  bans(now: number): BanView[] {
    return [...this.#bans.entries()]
      .filter(([, ban]) => ban.until > now)
      .map(([address, ban]) => ({ address, failures: ban.failures, until: Math.ceil(ban.until) }));
  }

  /** Every address with failures that count against it, and those that are banned. */
  points(now: number): BanPoints[] {
    const counted = [...this.#origins.entries()]
      .map(([address, count]) => ({ address, failures: count.total(now) }))
      .filter(({ failures }) => failures > 0);
    const banned = this.bans(now).map(({ until, ...ban }) => ({ ...ban, bannedUntil: until }));
    return [...banned, ...counted];
  }

  get failuresBeforeBan(): number {
    return this.#rules.failuresBeforeBan;
  }

  /** Lifts the ban of one address (or of the /64 it lies in), or all. Returns how many were lifted. */
  unban(address: string | 'all', now: number): number {
    if (address === 'all') {
      const lifted = this.bans(now).length;
      this.#bans.clear();
      this.#origins.clear();
      return lifted;
    }
    const origin = originOf(address.replace(/\/64$/, ''));
    const wasBanned = (this.#bans.get(origin)?.until ?? 0) > now;
    this.#bans.delete(origin);
    this.#origins.delete(origin);
    return wasBanned ? 1 : 0;
  }
}

/** How long the answer to the next attempt waits after so many failures of the account. */
export function delayAfter(failures: number): number {
  if (failures <= freeFailures) return 0;
  return Math.min(maximumDelay, firstDelay * 2 ** Math.min(failures - freeFailures - 1, 16));
}

const accountKey = (account: string) => account.toLowerCase();

function count(counts: BoundedMap<string, SlidingCount>, key: string, now: number): number {
  const known = counts.get(key);
  if (known !== undefined) return known.add(now);
  const fresh = new SlidingCount();
  counts.set(key, fresh);
  return fresh.add(now);
}
