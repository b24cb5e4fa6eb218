import type { GatewayStatus } from '@culvert/contracts';
import { noTraffic, type Traffic } from './session.ts';

/** How a session ended. */
interface SessionEnd extends Traffic {
  reason: string;
  durationSeconds: number;
}

/** Sums up the sessions that have ended since the process started. */
export class SessionTotals {
  readonly #ended = new Map<string, number>();
  #traffic: Traffic = noTraffic;
  #seconds = 0;
  #longestSeconds = 0;
  /** Sessions that have ended. */
  count = 0;

  add({ reason, bytesIn, bytesOut, durationSeconds }: SessionEnd): void {
    this.count += 1;
    this.#ended.set(reason, (this.#ended.get(reason) ?? 0) + 1);
    this.#traffic = plus(this.#traffic, { bytesIn, bytesOut });
    this.#seconds += durationSeconds;
    this.#longestSeconds = Math.max(this.#longestSeconds, durationSeconds);
  }

  /** The sums; `present` is what each of the sessions that there are has carried. */
  view(present: Iterable<Traffic>): GatewayStatus['totals'] {
    let traffic = this.#traffic;
    for (const one of present) traffic = plus(traffic, one);
    return {
      ended: Object.fromEntries(this.#ended),
      averageSessionSeconds: this.count === 0 ? 0 : Math.round(this.#seconds / this.count),
      longestSessionSeconds: this.#longestSeconds,
      ...traffic,
    };
  }
}

function plus(left: Traffic, right: Traffic): Traffic {
  return { bytesIn: left.bytesIn + right.bytesIn, bytesOut: left.bytesOut + right.bytesOut };
}
