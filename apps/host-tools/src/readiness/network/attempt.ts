import type { UnreachableReason } from '@culvert/control-plane-client/failures.ts';
import type { Localized } from '../../program/language.ts';

/** Why there was no answer to judge. */
export type FailureReason = UnreachableReason | 'noAnswer';

/** What came back over one connection. */
export interface Answer {
  status: number;
  /** Where a redirection leads to. */
  location?: string;
  /** `TLSv1.3`; absent without TLS. */
  tlsVersion?: string;
  /** The certificate of the other end. */
  certificate?: { issuer: string; subject: string; distrust?: string };
  /** Seconds that the clock of this host is ahead of that of the other end. */
  secondsAhead?: number;
  /** What is wrong with the content. */
  complaint?: Localized;
}

/** One way to a target that was tried: an address, or the proxy. */
export interface Attempt {
  /** An IP address, or `proxy HOST:PORT`. */
  way: string;
  family: 4 | 6 | 'proxy';
  milliseconds: number;
  outcome: { kind: 'answered'; answer: Answer } | { kind: 'failed'; reason: FailureReason };
}

/** Everything that was tried for a target. */
export type Trial =
  | { kind: 'unresolved'; reason: 'unknownName' | 'noNameServer' }
  | { kind: 'tried'; attempts: readonly Attempt[] };
