import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { single } from '../tunnel/connect-request.ts';
import type { Device } from './device.ts';
import { type ConnectHandler, limits, RelayServer } from './relay-server.ts';
import {
  alivePage,
  badRequestPage,
  ciscoPages,
  drainingPage,
  errorPage,
  notFoundPage,
  type StaticPage,
  tooLargePage,
} from './static-pages.ts';

/** A request to sign in, with what HTTP adds to the body. */
export interface SignInCall {
  device: Device;
  headers: FastifyRequest['headers'];
  body: Buffer;
}

/** A document for a tunnel client, or undefined when the request made no sense. */
export type SignInReply = { document: string; cookies: string[] } | undefined;

export interface Handlers {
  signIn(call: SignInCall): Promise<SignInReply>;
  connect: ConnectHandler;
  failed(error: unknown): void;
  /** True once the gateway is about to stop: nobody new comes in any more. */
  draining(): boolean;
}

export interface Application {
  relay: RelayServer;
  app: FastifyInstance;
}

/** Paths that clients post a sign-in to; what else a user typed behind the name is not found. */
const signInPaths = ['/', '/auth', '/VPN'];

/** The routes of the gateway: a closed table, without a file system behind it (protocol.md §7.2). */
export async function createApplication(handlers: Handlers): Promise<Application> {
  let relay: RelayServer | undefined;
  const app = fastify({
    logger: false,
    bodyLimit: limits.bodyBytes,
    serverFactory: (handler) => {
      relay = new RelayServer(handler, handlers.connect);
      return relay.server;
    },
    frameworkErrors: (_error, _request, reply) => send(reply, badRequestPage),
    return503OnClosing: false,
    routerOptions: { maxParamLength: 200 },
  });
  app.removeAllContentTypeParsers();
  // The first bytes of the body decide what it is; old clients send wrong types or none.
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setNotFoundHandler((_request, reply) => send(reply, notFoundPage));
  app.setErrorHandler((error: { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status === 413) return send(reply, tooLargePage);
    if (status < 500) return send(reply, badRequestPage);
    handlers.failed(error);
    return send(reply, errorPage);
  });

  app.addHook('onRequest', async (_request, reply) => {
    // Closed, so that the next probe comes on a connection of its own and not here once more.
    if (handlers.draining()) return send(reply.header('connection', 'close'), drainingPage);
  });
  for (const [path, page] of Object.entries(ciscoPages))
    app.get(path, (_request, reply) => send(reply, page));
  const signIn = async (request: FastifyRequest, reply: FastifyReply) => {
    const device = relay?.device(request.raw);
    if (device === undefined) return send(reply, errorPage);
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const answer = await handlers.signIn({ device, headers: request.headers, body });
    if (answer === undefined) return send(reply, badRequestPage);
    return reply
      .header('set-cookie', answer.cookies)
      .header('content-type', 'text/xml; charset=utf-8')
      .header('x-transcend-version', '1')
      .header('x-frame-options', 'deny')
      .header('cache-control', 'no-store')
      .send(answer.document);
  };
  for (const path of signInPaths) {
    app.post(path, signIn);
    app.get(path, (request, reply) => {
      if (isTunnelClient(request.headers)) return signIn(request, reply);
      return send(reply, path === '/' ? alivePage : notFoundPage);
    });
  }
  await app.ready();
  if (relay === undefined) throw new Error('Fastify made no server');
  return { relay, app };
}

/** Clients of the old form login; they start with a plain GET (protocol.md §1.1, §1.7, §5.1). */
function isTunnelClient(headers: FastifyRequest['headers']): boolean {
  if (single(headers, 'x-transcend-version') !== undefined) return true;
  if (single(headers, 'x-aggregate-auth') !== undefined) return true;
  return /AnyConnect|OpenConnect|^AnyLink|^Clavister OneConnect|^Cisco SVC/.test(headers['user-agent'] ?? '');
}

function send(reply: FastifyReply, page: StaticPage): FastifyReply {
  return reply.code(page.status).header('content-type', page.type).send(page.body);
}
