import type { IncomingMessage } from 'node:http';
import fastifyRateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { addressKeyOf } from '../accounts/address-key.ts';
import type { Context } from '../context.ts';
import { ApiError } from '../http/errors.ts';
import { registerInteractions } from './interactions.ts';
import { pageHeaders } from './pages/page.ts';
import { style } from './pages/style.ts';
import { ProviderSource } from './provider.ts';
import { mountPath } from './provider-configuration.ts';

/**
 * Requests of one address (IPv6: one /64) in a minute, at one replica. Strangers make a row in the database with each
 * sign-in that they begin; an office behind one address stays far below. Guesses of passwords have a throttle of their own.
 */
export const requestsPerMinute = 300;
const rememberedAddresses = 10_000;

/** The OpenID provider and the pages of its sign-in, below `/openid`. */
export async function registerOpenId(application: FastifyInstance, context: Context): Promise<void> {
  const source = new ProviderSource(context);
  await application.register(async (scope) => {
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: 'public' };
      route.schema = { ...route.schema, hide: true };
    });
    await scope.register(fastifyRateLimit, {
      max: requestsPerMinute,
      timeWindow: 60_000,
      cache: rememberedAddresses,
      keyGenerator: ({ ip }) => addressKeyOf(ip),
      errorResponseBuilder: (_request, { ttl }) =>
        new ApiError('TooManyRequests', 'too many requests from this address; try again in a minute', {
          retryAfter: Math.ceil(ttl / 1_000),
        }),
    });
    scope.get(`${mountPath}/style.css`, (_request, reply) =>
      reply.headers(pageHeaders).type('text/css; charset=utf-8').send(style),
    );
    await registerInteractions(scope, context, source);
    await scope.register(async (raw) => {
      // The library reads bodies itself.
      raw.removeAllContentTypeParsers();
      raw.addContentTypeParser('*', (_request, _payload, done) => done(null));
      raw.route({
        method: ['GET', 'POST', 'OPTIONS'],
        url: `${mountPath}/*`,
        handler: async (request, reply) => {
          const provider = await source.current();
          prepare(request, context.configuration.publicUrl);
          reply.hijack();
          for (const [name, value] of Object.entries(commonHeaders(request)))
            reply.raw.setHeader(name, value);
          await provider.callback()(request.raw, reply.raw);
        },
      });
    });
  });
}

/**
 * Tells the library what is known of the request: its path below the mount; the public address, whatever a stranger
 * wrote as Host; and who asks, as `trustedProxies` allows to believe.
 */
export function prepare({ raw, ip }: FastifyRequest, publicUrl: string): void {
  const { host } = new URL(publicUrl);
  const request: IncomingMessage & { originalUrl?: string } = raw;
  request.originalUrl = raw.url ?? '';
  raw.url = (raw.url ?? '').slice(mountPath.length);
  raw.headers.host = host;
  raw.headers['x-forwarded-host'] = host;
  raw.headers['x-forwarded-proto'] = 'https';
  raw.headers['x-forwarded-for'] = ip;
}

/** What every answer of the application says; the hook that adds it does not see answers of the library. */
function commonHeaders({ id }: FastifyRequest): Record<string, string> {
  return {
    'request-id': id,
    'x-content-type-options': 'nosniff',
    'strict-transport-security': 'max-age=31536000',
    'cache-control': 'no-store',
  };
}
