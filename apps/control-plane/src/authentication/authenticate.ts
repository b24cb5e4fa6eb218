import type { FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import type { Database } from '../database/open.ts';
import { callerOfAccessToken } from '../openid/access-token.ts';
import { callerOfToken } from '../tokens/store.ts';
import { tokenPrefix } from '../tokens/token-text.ts';

/** The token of `Authorization: Bearer TOKEN` (RFC 6750 §2.1); undefined when there is none. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer ([A-Za-z0-9._~+/=-]{1,4096})$/i.exec(authorization ?? '')?.[1];
}

/** Finds out who sends a request: a script with an API token, or a person with an access token of the OpenID provider. */
export function authenticator(database: Database, now: () => Date): Context['authenticate'] {
  return async (request: FastifyRequest) => {
    const token = bearerToken(request.headers.authorization);
    if (token === undefined) return undefined;
    const from = { address: request.ip, requestId: request.id };
    return token.startsWith(tokenPrefix)
      ? callerOfToken(database, token, from, now())
      : callerOfAccessToken({ database }, token, from, now());
  };
}
