import { setTimeout as wait } from 'node:timers/promises';

/** Whether the engine is configured and compared with, and a way to wait for that. */
export class EngineReadiness {
  #next = Promise.withResolvers<true>();
  #isReady = false;

  get isReady(): boolean {
    return this.#isReady;
  }

  ready(): void {
    this.#isReady = true;
    this.#next.resolve(true);
  }

  lost(): void {
    if (!this.#isReady) return;
    this.#isReady = false;
    this.#next = Promise.withResolvers<true>();
  }

  /** Resolves when the engine is ready, at once when it is. */
  whenReady(): Promise<true> {
    return this.#next.promise;
  }

  /** False when the engine is not ready in time. */
  async waitFor(milliseconds: number): Promise<boolean> {
    if (this.#isReady) return true;
    const timeout = new AbortController();
    const late = wait(milliseconds, false, { signal: timeout.signal, ref: false }).catch(() => false);
    const ready = await Promise.race([this.#next.promise, late]);
    timeout.abort();
    return ready;
  }
}
