import { z } from 'zod';
import { askLocally } from './unix-http.ts';

const findingSchema = z.object({ path: z.string(), found: z.string().optional(), message: z.string() });

const reloadSchema = z.object({
  applied: z.boolean(),
  /** True when the file is good and only a gateway that starts can take it over. */
  needsRestart: z.boolean().default(false),
  problems: z.array(findingSchema),
});
export type ReloadAnswer = z.output<typeof reloadSchema>;

/** What the agent needs of the gateway's status. */
const gatewayStatusSchema = z.object({
  version: z.string().optional(),
  startedAt: z.number(),
  listenPort: z.int(),
  engine: z.object({ connected: z.boolean(), version: z.string().optional() }),
  sessions: z
    .object({ connected: z.int(), away: z.int(), capacity: z.int() })
    .default({ connected: 0, away: 0, capacity: 0 }),
});
export type GatewayStatus = z.output<typeof gatewayStatusSchema>;

const quick = 5_000;
const slow = 30_000;

/** The gateway of this host, over its `admin.sock`. Every method rejects with NotRunning while it is away. */
export class GatewayClient {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  async status(): Promise<GatewayStatus> {
    return gatewayStatusSchema.parse(await this.#ask('GET', '/status', quick));
  }

  async reload(): Promise<ReloadAnswer> {
    return reloadSchema.parse(await this.#ask('POST', '/reload', slow, {}));
  }

  /** Ends sessions; resolves to how many there were. */
  async disconnect(selector: { session: string } | { user: string }, message?: string): Promise<number> {
    const body = { ...selector, ...(message === undefined ? {} : { message }) };
    const answer = await this.#ask('POST', '/disconnect', slow, body);
    return z.object({ disconnected: z.int() }).parse(answer).disconnected;
  }

  async #ask(method: 'GET' | 'POST', path: string, patience: number, body?: object): Promise<unknown> {
    const request = { socketPath: this.#socketPath, method, path, patience };
    const answer = await askLocally(body === undefined ? request : { ...request, body });
    if (answer.status === 200) return answer.body;
    const told = z.object({ error: z.string() }).safeParse(answer.body);
    throw new Error(
      `the gateway refuses: ${told.success ? told.data.error : `it answers with status ${answer.status}`}`,
    );
  }
}
