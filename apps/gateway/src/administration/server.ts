import { chmod } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { disconnectRequestSchema, type GatewayStatus, unbanRequestSchema } from '@culvert/contracts';
import { type LevelControl, logLevelChangeSchema } from '@culvert/logging/level-control.ts';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { z } from 'zod';
import type { ReloadResult } from '../gateway.ts';
import type { Measurements } from '../measurements/measurements.ts';
import type { TunnelService } from '../service.ts';

/** What the administrator's commands may ask of a running gateway. */
export interface Administered {
  readonly service: TunnelService;
  readonly logLevel: Pick<LevelControl, 'state' | 'change' | 'end'>;
  readonly measurements: Pick<Measurements, 'front' | 'latency' | 'traffic'>;
  status(): Promise<GatewayStatus>;
  reload(): Promise<ReloadResult>;
  askForHandOver(): void;
  replaceEngine(): Promise<boolean>;
}

export interface AdministrationServer {
  close(): Promise<void>;
}

/** Serves the commands of the administrator on a unix socket that only the gateway's own user may use. */
export async function serveAdministration(
  socketPath: string,
  gateway: Administered,
): Promise<AdministrationServer> {
  const app = Fastify({ bodyLimit: 16 * 1024 });
  addRoutes(app, gateway);
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) =>
    reply.code(error.statusCode ?? (error.name === 'StartError' ? 503 : 500)).send({ error: error.message }),
  );
  await app.listen({ path: socketPath });
  await chmod(socketPath, 0o600);
  return { close: () => app.close() };
}

function addRoutes(app: FastifyInstance, gateway: Administered): void {
  app.get('/status', () => gateway.status());
  app.get<{ Querystring: { ending?: string } }>('/sessions', async ({ query }) => ({
    sessions: await gateway.service.sessions({ ending: query.ending === 'true' }),
  }));
  app.get('/bans', () => ({ bans: gateway.service.bans() }));
  app.get('/ban-points', () => gateway.service.banPoints());
  app.get('/events', (_request, reply) => {
    const events = gateway.service.events.subscribe();
    if (events === undefined) return reply.code(429).send({ error: 'too many look on at events already' });
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'application/jsonl' });
    // Before the first event, so that whoever asks knows that nothing is missed from now on.
    reply.raw.flushHeaders();
    pipeline(Readable.from(events, { highWaterMark: 1 }), reply.raw).catch(() => {
      // The reader has gone, and takes its place in the feed with it.
    });
    return reply;
  });
  app.get('/measurements/front', () => gateway.measurements.front());
  app.get('/measurements/latency', () => gateway.measurements.latency());
  app.get('/measurements/traffic', () => gateway.measurements.traffic());
  app.post('/reload', () => gateway.reload());
  app.post('/hand-over', (_request, reply) => {
    // The answer is under way before the process begins to end.
    reply.raw.once('finish', () => gateway.askForHandOver());
    return reply.code(202).send({});
  });
  app.post('/replace-engine', async () => ({ replaced: await gateway.replaceEngine() }));
  app.get('/log-level', () => gateway.logLevel.state);
  app.put('/log-level', ({ body }, reply) => {
    const input = logLevelChangeSchema.safeParse(body);
    if (!input.success) return refuse(reply, input.error);
    return gateway.logLevel.change(input.data);
  });
  app.delete('/log-level', () => gateway.logLevel.end());
  app.post('/disconnect', async ({ body }, reply) => {
    const input = disconnectRequestSchema.safeParse(body);
    if (!input.success) return refuse(reply, input.error);
    const { session, user, message } = input.data;
    const selector = session === undefined ? { user: user ?? '' } : { session };
    return { disconnected: await gateway.service.disconnect(selector, message) };
  });
  app.post('/unban', ({ body }, reply) => {
    const input = unbanRequestSchema.safeParse(body);
    if (!input.success) return refuse(reply, input.error);
    return { lifted: gateway.service.unban('all' in input.data ? 'all' : input.data.address) };
  });
}

function refuse(reply: FastifyReply, error: z.ZodError): FastifyReply {
  return reply.code(400).send({ error: z.prettifyError(error) });
}
