import type { X509Certificate } from 'node:crypto';
import { type ChainRevocation, type CheckOptions, checkChain } from './check.ts';

const shortestMilliseconds = 5 * 60_000;
const longestMilliseconds = 60 * 60_000;

interface Known {
  chain: string;
  result: ChainRevocation;
  askedAt: number;
  askAgainAt: number;
}

/**
 * Keeps what is known of a chain, so that responders are asked at most each five minutes and at least each hour. A good answer
 * counts as long as it is valid, also while its responder cannot be reached; another chain is asked for at once.
 */
export class RevocationWatch {
  readonly #options: CheckOptions;
  #known: Known | undefined;

  constructor(options: CheckOptions) {
    this.#options = options;
  }

  async check(chain: X509Certificate[]): Promise<ChainRevocation> {
    const now = this.#options.now().getTime();
    const name = chain.map(({ fingerprint256 }) => fingerprint256).join();
    const known = this.#known?.chain === name ? this.#known : undefined;
    if (known !== undefined && now >= known.askedAt && now < known.askAgainAt) return known.result;
    const result = keep(known?.result, await checkChain(chain, this.#options), now);
    this.#known = { chain: name, result, askedAt: now, askAgainAt: askAgainAt(result, now) };
    return result;
  }
}

/** When to ask again, Unix time in milliseconds. */
export function askAgainAt(result: ChainRevocation, now: number): number {
  const end = result.status === 'noAddress' ? now + longestMilliseconds : result.validUntil.getTime();
  return Math.min(Math.max(end, now + shortestMilliseconds), now + longestMilliseconds);
}

/** An answer that is still valid is better than none. */
function keep(before: ChainRevocation | undefined, result: ChainRevocation, now: number): ChainRevocation {
  const isKept =
    result.status === 'untold' &&
    (before?.status === 'good' || before?.status === 'revoked') &&
    before.validUntil.getTime() > now;
  return isKept ? before : result;
}
