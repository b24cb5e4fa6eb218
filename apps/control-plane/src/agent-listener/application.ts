import type { Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import rateLimit from '@fastify/rate-limit';
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import { addressKeyOf } from '../accounts/address-key.ts';
import type { AgentAuthority } from '../agent-authority/authority.ts';
import type { ListenerIdentity } from '../agent-authority/listener-identity.ts';
import type { Context } from '../context.ts';
import { newId } from '../database/identifier.ts';
import { readJsonBodies } from '../http/json-body.ts';
import { validateRequest } from '../http/validation.ts';
import { noteFirstUse, requireAgent } from './agent.ts';
import { peerOf } from './peer.ts';
import { AgentRefusal, asRefusal, refusalBody } from './refusal.ts';
import { refuseAddress, refuseConnection } from './unroutable.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Routes of the agent listener: `agent` needs a certificate that is in force, `stranger` does not. */
    from?: 'agent' | 'stranger';
  }
}

/** Bytes of a body: an hour of samples has 40 kB. */
const bodyLimit = 512 << 10;
/** Connections at the same time, those of strangers included; each agent has two. */
const mostConnections = 16_000;
/** Requests of one address a minute to the routes that strangers may use. */
const strangerRequests = 60;

/** What every part of the listener is given. */
export interface AgentContext extends Context {
  readonly authority: AgentAuthority;
}

/** What the listener shows, and whose certificates it asks for. */
export function tlsOptions({ cert, key }: ListenerIdentity, { pem }: Pick<AgentAuthority, 'pem'>) {
  return { cert, key, ca: pem, minVersion: 'TLSv1.2' } as const;
}

/** The HTTPS application for agents, with its rules for all routes; routes are registered by the caller. */
export async function createAgentApplication(
  context: AgentContext,
  identity: ListenerIdentity,
): Promise<FastifyInstance<Server>> {
  const application = Fastify({
    https: {
      ...tlsOptions(identity, context.authority),
      requestCert: true,
      // Each request is judged by itself, so that an agent hears why it is refused.
      rejectUnauthorized: false,
      handshakeTimeout: 10_000,
    },
    loggerInstance: context.logger.child({}, { level: 'warn' }),
    bodyLimit,
    genReqId: () => newId(context.now()),
    requestTimeout: 30_000,
    keepAliveTimeout: 120_000,
    routerOptions: { maxParamLength: 200 },
    frameworkErrors: refuseAddress,
    clientErrorHandler: refuseConnection,
  }) as unknown as FastifyInstance<Server>;
  application.server.maxConnections = mostConnections;
  readJsonBodies(application);
  application.setValidatorCompiler(validateRequest);
  application.setSerializerCompiler(() => JSON.stringify);
  application.decorateRequest('agent', undefined);
  // Before the plugin, which reads the limit of a route from its configuration.
  application.addHook('onRoute', (route) => {
    if (route.config?.from === undefined)
      throw new Error(`${route.method} ${route.url} says not for whom it is`);
    if (route.config.from === 'stranger') {
      Object.assign(route.config, { rateLimit: { max: strangerRequests, timeWindow: 60_000 } });
    }
  });
  await application.register(rateLimit, {
    global: false,
    keyGenerator: ({ ip }) => addressKeyOf(ip),
    errorResponseBuilder: (_request, { after, ttl }) =>
      new AgentRefusal('tooManyRequests', `too many attempts; try again in ${after}`, Math.ceil(ttl / 1000)),
  });
  application.addHook('onRequest', async (request) => {
    // PostgreSQL cannot compare with a text that has one.
    if (/%00|\0/.test(request.url)) throw new AgentRefusal('invalid', 'the address has a NUL character');
    if (request.routeOptions.config.from !== 'agent') return;
    const peer = peerOf(request.raw.socket as TLSSocket, context.authority);
    const { database } = context;
    request.agent = await requireAgent(database.tables, peer, context.now());
    if (!request.agent.hasUsedCertificate) await noteFirstUse(database, request.agent, context.now());
  });
  application.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
  });
  application.setErrorHandler(async (error: FastifyError, request, reply) => {
    const { refusal, isFault } = asRefusal(error);
    const place = { path: request.url.split('?')[0], requestId: request.id };
    if (isFault) context.logger.error({ ...place, err: error }, 'a request of an agent failed');
    else context.logger.info({ ...place, code: refusal.code }, 'an agent was refused');
    if (refusal.retryAfter !== undefined) reply.header('retry-after', refusal.retryAfter);
    return reply.status(refusal.status).send(refusalBody(refusal.code, refusal.message));
  });
  application.setNotFoundHandler(async (_request, reply) =>
    reply
      .status(404)
      .send(
        refusalBody('invalid', 'agents have no such path here; is the agent newer than the control plane?'),
      ),
  );
  return application;
}
