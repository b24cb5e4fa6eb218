import type { BanView } from '@culvert/contracts';
import type { AccessEvent } from './access-log.ts';

/** What readers of the feed are told. `missed` counts events that one reader was too slow for. */
export type FeedEvent = AccessEvent | ({ event: 'ban' } & BanView) | { event: 'missed'; count: number };

/** Bounds what a reader who does not read can cost: about 400 bytes each. */
const longestQueue = 256;
/** Administrators who look on at the same time. */
const mostReaders = 8;

/** Tells what happens to whoever looks on. Nothing is kept for those who come later; nobody can hold up the gateway. */
export class EventFeed {
  readonly #readers = new Set<FeedReader>();

  publish(event: FeedEvent, now: number): void {
    if (this.#readers.size === 0) return;
    const line = eventLine(event, now);
    for (const reader of this.#readers) reader.offer(line, now);
  }

  /** Lines from now on, until `return` is called or the feed closes. Undefined when too many look on already. */
  subscribe(): AsyncIterableIterator<string> | undefined {
    if (this.#readers.size >= mostReaders) return undefined;
    const reader = new FeedReader(() => this.#readers.delete(reader));
    this.#readers.add(reader);
    return reader;
  }

  close(): void {
    for (const reader of this.#readers) reader.finish();
  }
}

/** One reader with its bounded queue. */
class FeedReader implements AsyncIterableIterator<string> {
  readonly #queue: string[] = [];
  readonly #leave: () => void;
  #missed = 0;
  #missedAt = 0;
  #waiting: ((result: IteratorResult<string>) => void) | undefined;
  #isFinished = false;

  constructor(leave: () => void) {
    this.#leave = leave;
  }

  offer(line: string, now: number): void {
    if (this.#waiting !== undefined) {
      this.#waiting({ done: false, value: line });
      this.#waiting = undefined;
    } else if (this.#queue.length < longestQueue && this.#missed === 0) this.#queue.push(line);
    else {
      this.#missed += 1;
      this.#missedAt = now;
    }
  }

  async next(): Promise<IteratorResult<string>> {
    const line = this.#queue.shift();
    if (line !== undefined) return { done: false, value: line };
    if (this.#missed > 0) {
      const value = eventLine({ event: 'missed', count: this.#missed }, this.#missedAt);
      this.#missed = 0;
      return { done: false, value };
    }
    if (this.#isFinished) return { done: true, value: undefined };
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  async return(): Promise<IteratorResult<string>> {
    this.finish();
    return { done: true, value: undefined };
  }

  finish(): void {
    this.#isFinished = true;
    this.#leave();
    this.#waiting?.({ done: true, value: undefined });
    this.#waiting = undefined;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** JSON escapes every control character, so one event is always one line. */
function eventLine(event: FeedEvent, now: number): string {
  return `${JSON.stringify({ time: new Date(now).toISOString(), ...event })}\n`;
}
