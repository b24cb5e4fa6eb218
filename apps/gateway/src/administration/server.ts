import { chmod } from 'node:fs/promises';
import { type LevelControl, logLevelChangeSchema } from '@culvert/logging/level-control.ts';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { z } from 'zod';
import type { GatewayStatus, ReloadResult } from '../gateway.ts';
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

/** Every client shows it as one line; more would be cut by them. */
const longestMessage = 256;

/** The body of `POST /disconnect`. */
export const disconnectSchema = z
  .strictObject({
    session: z.string().min(1).max(64).optional(),
    user: z.string().min(1).max(254).optional(),
    message: z
      .string()
      .max(longestMessage)
      .regex(/^\P{Cc}*$/u, { error: 'must be one line' })
      .default('Disconnected by the administrator'),
  })
  .refine(({ session, user }) => (session === undefined) !== (user === undefined), {
    error: 'expected either session or user',
  });

/** The body of `POST /unban`. */
export const unbanSchema = z.union([
  z.strictObject({ address: z.string().min(1).max(64) }),
  z.strictObject({ all: z.literal(true) }),
]);

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
  app.get('/sessions', async () => ({ sessions: await gateway.service.sessions() }));
  app.get('/bans', () => ({ bans: gateway.service.bans() }));
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
    const input = disconnectSchema.safeParse(body);
    if (!input.success) return refuse(reply, input.error);
    const { session, user, message } = input.data;
    const selector = session === undefined ? { user: user ?? '' } : { session };
    return { disconnected: await gateway.service.disconnect(selector, message) };
  });
  app.post('/unban', ({ body }, reply) => {
    const input = unbanSchema.safeParse(body);
    if (!input.success) return refuse(reply, input.error);
    return { lifted: gateway.service.unban('all' in input.data ? 'all' : input.data.address) };
  });
}

function refuse(reply: FastifyReply, error: z.ZodError): FastifyReply {
  return reply.code(400).send({ error: z.prettifyError(error) });
}
