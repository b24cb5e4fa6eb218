import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { refusalBody } from './refusal.ts';

/** Refuses a request whose address leads to no route; hooks do not run for those. */
export function refuseAddress(_error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void {
  reply
    .status(400)
    .header('cache-control', 'no-store')
    .send(refusalBody('invalid', 'the address is not written rightly, or a part of it is too long'));
}

/** Refuses what is no HTTP, or came too slowly, and closes the connection. */
export function refuseConnection({ code }: Error & { code?: string }, socket: Socket): void {
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const isLate = code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const message = isLate ? 'the request did not arrive in time' : 'this is not a request of HTTP/1.1';
  const body = JSON.stringify(refusalBody('invalid', message));
  const headers = [
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  // RFC 9112 §4: the reason may be empty.
  socket.end(`HTTP/1.1 ${isLate ? 408 : 400} \r\n${headers.join('\r\n')}\r\n\r\n${body}`);
}
