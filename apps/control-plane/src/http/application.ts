import type { Server } from 'node:https';
import fastifySwagger from '@fastify/swagger';
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import { recordRefusal } from '../audit/refusals.ts';
import type { Context } from '../context.ts';
import { newId } from '../database/identifier.ts';
import { documentOptions } from '../openapi/document.ts';
import { enforceAccess } from './access.ts';
import { ApiError, errorBody } from './errors.ts';
import { readJsonBodies } from './json-body.ts';
import { KnownPaths } from './known-paths.ts';
import { asApiError } from './translate-error.ts';
import { commonHeaders, refuseAddress, refuseConnection } from './unroutable.ts';
import { validateRequest } from './validation.ts';

/** Bytes of a request body: a configuration with 500 routes has 30 kB. */
const bodyLimit = 256 << 10;

/** The HTTP application with its rules for all routes; routes are registered by the caller. */
export async function createApplication(
  context: Context,
  tls?: { cert: Buffer | string; key: Buffer | string },
): Promise<FastifyInstance<Server>> {
  const application = Fastify({
    https: tls === undefined ? {} : { ...tls, minVersion: 'TLSv1.2' },
    loggerInstance: context.logger.child({}, { level: 'warn' }),
    bodyLimit,
    genReqId: () => newId(context.now()),
    trustProxy: [...context.configuration.trustedProxies],
    requestTimeout: 30_000,
    frameworkErrors: refuseAddress(context),
    clientErrorHandler: refuseConnection(context),
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: true },
  }) as unknown as FastifyInstance<Server>;
  readJsonBodies(application);
  application.setValidatorCompiler(validateRequest);
  // Schemas of answers are for the document; the tests hold every answer against them.
  application.setSerializerCompiler(() => JSON.stringify);
  enforceAccess(application, context);
  const paths = new KnownPaths(application as unknown as FastifyInstance);
  application.addHook('onRequest', async ({ is404, method, url }) => {
    // Before the body is looked at: it does not matter.
    if (is404) throw paths.refusal(method, url);
    // PostgreSQL cannot compare with a text that has one.
    if (/%00|\0/.test(url))
      throw new ApiError('BadRequest', 'the address has a NUL character, which is not allowed');
  });
  application.addHook('onSend', async (request, reply) => {
    reply.headers(commonHeaders(request.id));
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
  });
  application.setErrorHandler(async (error: FastifyError, request, reply) => {
    const refusal = asApiError(error);
    if (refusal.status >= 500) {
      const place = { requestId: request.id, url: request.url.split('?')[0] };
      // A database that is away fails every request in the same way, and each probe too.
      if (refusal.status === 503) context.logger.warn({ ...place, reason: reasonOf(error) }, refusal.message);
      else context.logger.error({ ...place, err: error }, 'a request failed');
    }
    await recordRefusal(context, request, refusal);
    return reply
      .status(refusal.status)
      .headers(refusal.headers)
      .send(errorBody(refusal, request.id, context.now()));
  });
  // Hooks run for unknown paths only where there is such a handler.
  application.setNotFoundHandler(({ method, url }) => {
    throw paths.refusal(method, url);
  });
  await application.register(fastifySwagger, documentOptions(context.configuration.publicUrl));
  return application;
}

/** Why it failed in the words of whoever knows best. */
function reasonOf({ message, cause }: Error): string {
  return cause instanceof Error ? reasonOf(cause) : message;
}
