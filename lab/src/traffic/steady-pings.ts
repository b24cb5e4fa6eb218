import type { Client } from '../client/client.ts';
import { eventually } from '../system/wait.ts';
import { type PingResult, SteadyPing } from './ping.ts';

/** Pings through the tunnels of several clients at once, while something else happens. */
export class SteadyPings {
  readonly #pings: readonly SteadyPing[];

  private constructor(pings: readonly SteadyPing[]) {
    this.#pings = pings;
  }

  /** Starts them and waits until each client has had answers. */
  static async start(clients: readonly Client[], address: string): Promise<SteadyPings> {
    const pings = new SteadyPings(clients.map((client) => new SteadyPing(client.device.namespace, address)));
    await pings.goOn();
    return pings;
  }

  /** Waits until each client has had more answers since now. */
  async goOn(timeoutMilliseconds = 30_000): Promise<void> {
    const before = this.#pings.map((ping) => ping.received);
    await eventually(
      'pings pass through every tunnel',
      () => this.#pings.every((ping, index) => ping.received > (before[index] ?? 0) + 2),
      timeoutMilliseconds,
    );
  }

  /** Ends them; resolves to the longest run of lost pings of any client. Single ones are lost to a busy machine too. */
  async longestGap(): Promise<number> {
    return Math.max(...(await this.stop()).map(({ longestGap }) => longestGap));
  }

  stop(): Promise<PingResult[]> {
    return Promise.all(this.#pings.map((ping) => ping.stop()));
  }
}
