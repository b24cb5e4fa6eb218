import { Agent, request } from 'node:https';

export interface FetchOptions {
  method?: string | undefined;
  headers?: Record<string, string> | undefined;
  body?: string | undefined;
}

export type Fetch = (url: string, options?: FetchOptions) => Promise<Response>;

/** A listener on loopback, and the certificate of the authority that its own one is from. */
export interface Listener {
  port: number;
  authority: string;
}

/**
 * A fetch whose every request goes to the next of these listeners, whatever host the address names. The certificate is
 * checked against the host of the address. Redirects are not followed.
 */
export function fetchFrom(listeners: readonly Listener[]): Fetch {
  const targets = listeners.map(({ port, authority }) => ({
    port,
    agent: new Agent({ ca: authority, keepAlive: true }),
  }));
  let turn = 0;
  return (url, { method = 'GET', headers = {}, body } = {}) => {
    const { host, hostname, pathname, search } = new URL(url);
    const target = targets[turn++ % targets.length];
    return new Promise((resolve, reject) => {
      const sent = request({
        host: '127.0.0.1',
        ...target,
        servername: hostname,
        method,
        path: `${pathname}${search}`,
        headers: {
          host,
          ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
          ...headers,
        },
      });
      sent.on('error', reject);
      sent.on('response', (answer) => {
        const parts: Buffer[] = [];
        answer.on('error', reject);
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('end', () => {
          const status = answer.statusCode ?? 0;
          const hasBody = status !== 204 && status !== 304;
          const answered = new Headers();
          for (const [name, values] of Object.entries(answer.headersDistinct)) {
            for (const value of values ?? []) answered.append(name, value);
          }
          resolve(new Response(hasBody ? Buffer.concat(parts) : null, { status, headers: answered }));
        });
      });
      sent.end(body);
    });
  };
}
