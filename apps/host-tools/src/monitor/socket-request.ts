import { request } from 'node:http';

/** What a process of this host answered over its unix socket. */
export interface SocketAnswer {
  status: number;
  body: unknown;
}

/** One request with JSON over HTTP on a unix socket. Rejects when nobody answers in time. */
export function requestSocket(
  socketPath: string,
  method: 'GET' | 'POST',
  path: string,
  timeoutMilliseconds: number,
): Promise<SocketAnswer> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMilliseconds);
    const sent = request({ socketPath, method, path, signal }, async (response) => {
      try {
        const text = Buffer.concat(await response.toArray()).toString('utf8');
        resolve({ status: response.statusCode ?? 0, body: text === '' ? {} : JSON.parse(text) });
      } catch (error) {
        reject(error);
      }
    });
    sent.on('error', (error) =>
      reject(signal.aborted ? new Error(`no answer within ${timeoutMilliseconds / 1000} seconds`) : error),
    );
    sent.end();
  });
}

/** The `error` of a refusal. */
export function refusalOf({ status, body }: SocketAnswer): string {
  const error: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'error') : undefined;
  return typeof error === 'string' ? error : `status ${status}`;
}
