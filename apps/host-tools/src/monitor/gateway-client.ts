import { z } from 'zod';
import { refusalOf, requestSocket } from './socket-request.ts';

/**
 * The part of the gateway's status that matters here. Everything else may change from release to release; what is missing is
 * no trouble, because a gateway that answers at all must not be taken for one that does not.
 */
const statusSchema = z.object({
  engine: z.object({ connected: z.boolean().default(true), processId: z.int().optional() }).prefault({}),
});
export type GatewayStatus = z.output<typeof statusSchema>;

const sessionsSchema = z.object({ sessions: z.array(z.object({ id: z.string(), state: z.string() })) });

const answerMilliseconds = 5_000;
/** An engine that ends slowly and one that starts under full load. */
const replaceMilliseconds = 60_000;

/** The gateway of this host, through its socket. Methods reject when it does not answer. */
export class GatewayClient {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  async status(): Promise<GatewayStatus> {
    return statusSchema.parse(await this.#ask('GET', '/status'));
  }

  /** Sessions with a tunnel. */
  async connectedSessions(): Promise<string[]> {
    const { sessions } = sessionsSchema.parse(await this.#ask('GET', '/sessions'));
    return sessions.filter(({ state }) => state === 'connected').map(({ id }) => id);
  }

  async replaceEngine(): Promise<void> {
    await this.#ask('POST', '/replace-engine', replaceMilliseconds);
  }

  async #ask(method: 'GET' | 'POST', path: string, patience = answerMilliseconds): Promise<unknown> {
    const answer = await requestSocket(this.#socket, method, path, patience);
    if (answer.status !== 200) throw new Error(refusalOf(answer));
    return answer.body;
  }
}
