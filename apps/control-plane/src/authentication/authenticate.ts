import type { FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import type { Database } from '../database/open.ts';
import { callerOfToken } from '../tokens/store.ts';

/** The token of `Authorization: Bearer TOKEN` (RFC 6750 §2.1); undefined when there is none. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer ([A-Za-z0-9._~+/=-]{1,4096})$/i.exec(authorization ?? '')?.[1];
}

/** Finds out who sends a request. */
export function authenticator(database: Database, now: () => Date): Context['authenticate'] {
  return async (request: FastifyRequest) => {
    const token = bearerToken(request.headers.authorization);
    if (token === undefined) return undefined;
    return callerOfToken(database, token, { address: request.ip, requestId: request.id }, now());
  };
}
