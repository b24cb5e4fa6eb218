import type { Localized } from '../program/language.ts';

/** `unknown` means that it cannot be told here, and `found` says why. */
export const checkResults = ['ok', 'warning', 'failed', 'unknown'] as const;
export type CheckResult = (typeof checkResults)[number];

/** What to do about a finding. */
export interface Remedy {
  text?: Localized;
  /** Lines for a shell of root, in their order. */
  commands: readonly string[];
}

/** What a check has found. */
export interface Finding {
  result: CheckResult;
  found: Localized;
  /** What to do; absent when all is well. */
  remedy?: Remedy;
}

/** What has to be so on a server, and why. */
export interface CheckSubject {
  /** Stays the same over versions: `network.control-plane`. */
  id: string;
  title: Localized;
  /** Why it matters. */
  why: Localized;
}

/** A check that can be run. It must give up by itself when the signal aborts. */
export interface Check extends CheckSubject {
  run(signal: AbortSignal): Promise<Finding>;
}

/** A check with its outcome. */
export interface CheckReport extends CheckSubject, Finding {
  milliseconds: number;
}
