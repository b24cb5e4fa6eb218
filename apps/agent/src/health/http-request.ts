import { isIP } from 'node:net';
import { getCACertificates } from 'node:tls';
import type { HttpProxy } from '@culvert/control-plane-client/proxy.ts';
import { explainNetworkError } from '@culvert/network-errors/explain.ts';
import { Agent, type Dispatcher, ProxyAgent, request } from 'undici';

/** The proxy for an address; undefined when the request goes straight. */
export type ProxyFor = (target: URL) => HttpProxy | undefined;

export interface HttpQuestion {
  url: string;
  proxy: HttpProxy | undefined;
  /** False also takes certificates that nobody vouches for. */
  provesServer: boolean;
  body?: { type: string; content: Buffer };
  /** Bytes; a longer answer is a fault. Zero does not read it at all. */
  longestAnswer: number;
}

export interface HttpAnswer {
  status: number;
  body: Buffer;
}

/** One request on a connection of its own, so that each tells how it is now. Rejects with a sentence. Follows no redirection. */
export async function askOverHttp(question: HttpQuestion, signal: AbortSignal): Promise<HttpAnswer> {
  const dispatcher = dispatcherFor(question);
  try {
    const { url, body, longestAnswer } = question;
    const response = await request(url, {
      dispatcher,
      signal,
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        'user-agent': 'culvert-agent',
        ...(body === undefined ? {} : { 'content-type': body.type }),
      },
      ...(body === undefined ? {} : { body: body.content }),
    });
    const { statusCode: status } = response;
    if (longestAnswer === 0) {
      // What comes is not of interest, and its end is not waited for.
      response.body.on('error', () => {}).destroy();
      return { status, body: Buffer.alloc(0) };
    }
    return { status, body: await readBody(response.body, longestAnswer) };
  } catch (error) {
    throw error instanceof AnswerTooLong ? error : new Error(explainNetworkError(error));
  } finally {
    await dispatcher.destroy();
  }
}

/** `host:port`. */
export function placeOf({ host, port }: HttpProxy): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

class AnswerTooLong extends Error {
  override readonly name = 'AnswerTooLong';
}

async function readBody(body: AsyncIterable<Buffer>, longest: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > longest) throw new AnswerTooLong(`its answer is longer than ${longest} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function dispatcherFor({ proxy, provesServer }: HttpQuestion): Dispatcher {
  const tls = provesServer
    ? { ca: [...getCACertificates('default'), ...getCACertificates('system')] }
    : { rejectUnauthorized: false };
  if (proxy === undefined) return new Agent({ connect: tls, pipelining: 0 });
  return new ProxyAgent({ uri: `http://${placeOf(proxy)}`, requestTls: tls, pipelining: 0 });
}
