import { type Discovered, discover } from './discover.ts';
import type { IdentityProvider } from './provider.ts';

/** Milliseconds for which an answer is kept: what a provider can do, and that it does not answer. */
const kept = { ok: 5 * 60_000, refused: 10_000 };

interface Entry {
  version: number;
  until: number;
  answer: Promise<Discovered>;
}

/**
 * What providers can do, as they said some minutes ago: strangers begin sign-ins as often as they like, and each must not
 * become a request to somebody else. A change of the provider here is seen at once.
 */
export class DiscoveryCache {
  readonly #now: () => Date;
  readonly #ask: typeof discover;
  readonly #entries = new Map<string, Entry>();

  constructor(now: () => Date, ask: typeof discover = discover) {
    this.#now = now;
    this.#ask = ask;
  }

  readonly discover = (provider: IdentityProvider): Promise<Discovered> => {
    const { id, version } = provider;
    const present = this.#entries.get(id);
    if (present?.version === version && present.until > this.#now().getTime()) return present.answer;
    const answer = this.#ask(provider);
    const entry: Entry = { version, until: this.#now().getTime() + kept.ok, answer };
    this.#entries.set(id, entry);
    return answer.then((discovered) => {
      if (!discovered.ok) entry.until = this.#now().getTime() + kept.refused;
      return discovered;
    });
  };
}
