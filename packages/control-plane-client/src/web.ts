import { Agent, fetch as fetchWith, ProxyAgent } from 'undici';
import { describePlace } from './dial.ts';
import { explainSocketError, reasonOf, Unreachable } from './failures.ts';
import type { HttpProxy } from './proxy.ts';

export interface WebRequest {
  method?: string;
  headers?: Record<string, string>;
  body?: string | null;
}
export type Fetch = (url: string, request?: WebRequest) => Promise<Response>;

const milliseconds = 30_000;

/** `fetch` for the address of administrators, whose certificate is of `authority` (PEM), or of a public authority. */
export function webFetch(authority: string | undefined, proxy: HttpProxy | undefined): Fetch {
  const tls = authority === undefined ? {} : { ca: authority };
  const options = { headersTimeout: milliseconds, bodyTimeout: milliseconds };
  const dispatcher =
    proxy === undefined
      ? new Agent({ ...options, connect: tls })
      : new ProxyAgent({ ...options, uri: `http://${describePlace(proxy)}`, requestTls: tls });
  return async (url, request = {}) => {
    const { host } = new URL(url);
    try {
      // The types of undici's own `Response` and of Node's differ; the object is the same.
      return (await fetchWith(url, { ...request, dispatcher })) as unknown as Response;
    } catch (error) {
      const failure = causeOf(error);
      throw new Unreachable(explain(failure, host), reasonOf(failure));
    }
  };
}

function causeOf(error: unknown): NodeJS.ErrnoException {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause : new Error(String(cause));
}

function explain(failure: NodeJS.ErrnoException, host: string): string {
  if (/CERT|SIGNED|ISSUER|ALTNAME/.test(failure.code ?? '')) {
    return `the certificate of ${host} is not trusted (${failure.code}): name the authority of the control plane with --authority-file`;
  }
  return explainSocketError(failure, host);
}
