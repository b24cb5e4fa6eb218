import { request } from 'node:http';

/** Nobody listens at the socket. */
export class NotRunning extends Error {
  override readonly name = 'NotRunning';
}

/** An answer of a program of this host. */
export interface LocalAnswer {
  status: number;
  body: unknown;
}

export interface LocalRequest {
  socketPath: string;
  method: 'GET' | 'POST';
  path: string;
  body?: object;
  /** Milliseconds. */
  patience: number;
}

const longestAnswer = 4 << 20;

/** Asks a program of this host over its socket. Rejects with NotRunning when it is away, or an Error in words. */
export function askLocally({ socketPath, method, path, body, patience }: LocalRequest): Promise<LocalAnswer> {
  const payload = body === undefined ? '' : JSON.stringify(body);
  const headers =
    body === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > longestAnswer) sent.destroy(new Error(`${socketPath} answers with too much`));
        else chunks.push(chunk);
      });
      response.on('error', fail);
      response.on('end', () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, body: parse(Buffer.concat(chunks).toString('utf8')) });
      });
    });
    const timer = setTimeout(
      () => sent.destroy(new Error(`${socketPath} did not answer ${path} in ${patience / 1000} seconds`)),
      patience,
    );
    const fail = (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      const isAway = error.code === 'ENOENT' || error.code === 'ECONNREFUSED';
      reject(isAway ? new NotRunning(`nothing listens at ${socketPath}`) : error);
    };
    sent.on('error', fail);
    sent.end(payload);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
