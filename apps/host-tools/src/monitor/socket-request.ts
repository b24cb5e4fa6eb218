import { request } from 'node:http';

/** What a process of this host answered over its unix socket. */
export interface SocketAnswer {
  status: number;
  body: unknown;
}

/** What is behind a socket may have been taken over: it must not fill the memory of this process. */
const longestAnswer = 4 << 20;

/** One request with JSON over HTTP on a unix socket. Rejects when nobody answers in time, or with too much. */
export function requestSocket(
  socketPath: string,
  method: 'GET' | 'POST',
  path: string,
  timeoutMilliseconds: number,
  body?: object,
): Promise<SocketAnswer> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMilliseconds);
    const payload = body === undefined ? '' : JSON.stringify(body);
    const headers =
      body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
    const sent = request({ socketPath, method, path, headers, signal }, async (response) => {
      try {
        const chunks: Buffer[] = [];
        let length = 0;
        for await (const chunk of response as AsyncIterable<Buffer>) {
          length += chunk.length;
          if (length > longestAnswer) throw new Error(`${socketPath} answers with too much`);
          chunks.push(chunk);
        }
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, body: text === '' ? {} : JSON.parse(text) });
      } catch (error) {
        reject(error);
      }
    });
    sent.on('error', (error) =>
      reject(signal.aborted ? new Error(`no answer within ${timeoutMilliseconds / 1000} seconds`) : error),
    );
    sent.end(payload);
  });
}

/** The `error` of a refusal. */
export function refusalOf({ status, body }: SocketAnswer): string {
  const error: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'error') : undefined;
  return typeof error === 'string' ? error : `status ${status}`;
}
