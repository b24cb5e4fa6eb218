import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import { newId } from '../database/identifier.ts';
import { ApiError, errorBody } from './errors.ts';

/** Headers of every answer. */
export function commonHeaders(requestId: string): Record<string, string> {
  return {
    'request-id': requestId,
    'x-content-type-options': 'nosniff',
    'strict-transport-security': 'max-age=31536000',
  };
}

/** Refuses a request whose address leads to no route; hooks do not run for those. */
export function refuseAddress({ now }: Context) {
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    const refusal = new ApiError(
      'BadRequest',
      error.code === 'FST_ERR_MAX_PARAM_LENGTH'
        ? 'a part of the address is longer than any identifier'
        : 'the address is not written rightly; a "%" must be followed by two hexadecimal digits of UTF-8',
    );
    reply
      .status(refusal.status)
      .headers({ ...commonHeaders(request.id), 'cache-control': 'no-store' })
      .send(errorBody(refusal, request.id, now()));
  };
}

/** Refuses what is no HTTP, with as much of an answer as such a client can read, and closes the connection. */
export function refuseConnection({ now }: Context) {
  return (error: ConnectionError, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const refusal = refusalOf(error);
    const id = newId(now());
    const body = JSON.stringify(errorBody(refusal, id, now()));
    const headers = {
      ...commonHeaders(id),
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      connection: 'close',
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    // RFC 9112 §4: the reason may be empty.
    socket.end(`HTTP/1.1 ${refusal.status} \r\n${lines.join('')}\r\n${body}`);
  };
}

interface ConnectionError extends Error {
  code?: string;
}

function refusalOf({ code }: ConnectionError): ApiError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new ApiError('RequestTimeout', 'the request did not arrive in time');
  if (code === 'HPE_HEADER_OVERFLOW')
    return new ApiError('HeaderFieldsTooLarge', 'the headers or the address are longer than 16 kB');
  return new ApiError('BadRequest', 'this is not a request of HTTP/1.1');
}
