import { type MonitoredProcess, type MonitorStatus, monitorStatusSchema } from '@culvert/contracts';
import { z } from 'zod';
import { askLocally, NotRunning } from '../gateway/unix-http.ts';

const quick = 5_000;
/** A gateway that drains first may take five minutes to end. */
const restart = 360_000;

/** The monitor of this host, over its `monitor.sock`. Every method rejects with an Error in words. */
export class MonitorClient {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** Undefined when no monitor runs. */
  async status(): Promise<MonitorStatus | undefined> {
    const answer = await askLocally({
      socketPath: this.#socketPath,
      method: 'GET',
      path: '/status',
      patience: quick,
    }).catch((error: unknown) => {
      if (error instanceof NotRunning) return undefined;
      throw error;
    });
    return answer === undefined ? undefined : monitorStatusSchema.parse(answer.body);
  }

  /** Resolves when the process has been started again. */
  async restart(process: MonitoredProcess): Promise<void> {
    await this.#post('/restart', { process }, restart);
  }

  /** Begins to switch to another release; how it goes is in the status. */
  async upgrade(version: string): Promise<void> {
    await this.#post('/upgrade', { version }, quick);
  }

  async #post(path: string, body: object, patience: number): Promise<void> {
    const { status, body: answer } = await askLocally({
      socketPath: this.#socketPath,
      method: 'POST',
      path,
      body,
      patience,
    }).catch((error: unknown) => {
      if (error instanceof NotRunning) {
        throw new Error(
          `no monitor runs on this host (${this.#socketPath}), so nothing can be restarted or upgraded: start it`,
        );
      }
      throw error;
    });
    if (status >= 200 && status < 300) return;
    const told = z.object({ error: z.string() }).safeParse(answer);
    throw new Error(
      `the monitor refuses: ${told.success ? told.data.error : `it answers with status ${status}`}`,
    );
  }
}
