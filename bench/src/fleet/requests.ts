import { Agent, request } from 'node:https';
import type { Identity, Listener } from './identity.ts';

/** What came back. */
export interface Answer {
  status: number;
  body: unknown;
}

/** The connections of one agent: mutual TLS with a certificate of its own. */
export class AgentConnections {
  readonly #agent: Agent;

  constructor({ host, port, authority }: Listener, identity: Partial<Identity>) {
    this.#agent = new Agent({
      host,
      port,
      ca: authority,
      cert: identity.certificate,
      key: identity.privateKey,
      localAddress: identity.localAddress,
      keepAlive: true,
      maxSockets: 2,
    });
  }

  /** Sends a JSON document; rejects when no whole answer comes in time. */
  post(
    path: string,
    document: unknown,
    timeoutMilliseconds: number,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const text = JSON.stringify(document);
    return new Promise((resolve, reject) => {
      const sent = request({
        ...this.#agent.options,
        agent: this.#agent,
        method: 'POST',
        path,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(text),
          ...headers,
        },
        signal: AbortSignal.timeout(timeoutMilliseconds),
      });
      sent.on('error', reject);
      sent.on('response', (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => {
          body += piece;
        });
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: body === '' ? undefined : JSON.parse(body) }),
        );
      });
      sent.end(text);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
