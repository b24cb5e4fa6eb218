import { isBehind, newestRelease, published, type Release } from '../releases/store.ts';
import { isNewer } from '../releases/versions.ts';
import { nextUpgradeWindow, type UpgradeWindow } from '../sites/upgrade-window.ts';
import type { RollOutState } from './roll-out.ts';

/** How a site wants its upgrades. */
export interface UpgradePolicy {
  readonly isAutomatic: boolean;
  /** When they may begin; undefined for any time. */
  readonly window: UpgradeWindow | undefined;
}

/** What the next roll-out of a site depends on. */
export interface PlanFacts {
  readonly policy: UpgradePolicy;
  /** The last roll-out of the site. */
  readonly current: { readonly state: RollOutState; readonly target: string } | undefined;
  readonly releases: readonly Release[];
  /** The versions of its servers, as far as they are known. */
  readonly versions: readonly string[];
  readonly now: Date;
  /** Minutes after its publication in which nothing is upgraded to a release by itself. */
  readonly delayMinutes: number;
}

export interface Plan {
  readonly target: string;
  readonly isAutomatic: boolean;
  /** In the past or now: it may begin at once. */
  readonly beginsAt: Date;
}

/**
 * The roll-out that a site has before it, and when it begins; undefined when it has none. The window is for the beginning only:
 * a roll-out that has begun runs to its end.
 */
export function planUpgrade(facts: PlanFacts): Plan | undefined {
  const { policy, current, now } = facts;
  if (current?.state === 'waiting') {
    return { target: current.target, isAutomatic: false, beginsAt: withinWindow(policy, now) };
  }
  // What an administrator has stopped is not gone round by a newer release.
  if (!policy.isAutomatic || current?.state === 'running' || current?.state === 'stopped') return undefined;
  const newest = newestRelease(published(facts.releases, now));
  if (newest === undefined || !isBehind(facts.versions, newest)) return undefined;
  // A release that has failed here is not tried again by itself, and servers that come late belong to the last roll-out.
  const wasTried = current !== undefined && !isNewer(newest.version, current.target);
  if (wasTried) return undefined;
  const earliest = Date.parse(newest.publishedAt) + facts.delayMinutes * 60_000;
  const from = new Date(Math.max(earliest, now.getTime()));
  return { target: newest.version, isAutomatic: true, beginsAt: withinWindow(policy, from) };
}

function withinWindow({ window }: UpgradePolicy, from: Date): Date {
  if (window === undefined) return from;
  const { opens } = nextUpgradeWindow(window, from);
  return new Date(Math.max(opens.getTime(), from.getTime()));
}

/** True when a release waits for somebody: some server is older, and the roll-out to it has not been approved. */
export function isUpgradeAvailable({
  policy,
  current,
  releases,
  versions,
  now,
}: Omit<PlanFacts, 'delayMinutes'>): boolean {
  const newest = newestRelease(published(releases, now));
  if (newest === undefined || !isBehind(versions, newest)) return false;
  const isUnderWay = current?.state === 'waiting' || current?.state === 'running';
  return policy.isAutomatic || !isUnderWay || isNewer(newest.version, current.target);
}
