import { chmod, chown, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { monitorProcessSchema, monitorUpgradeSchema } from '@culvert/contracts';
import Fastify, { type FastifyReply } from 'fastify';
import { z } from 'zod';
import { Failure } from '../program/failure.ts';
import { type Monitor, Refusal } from './monitor.ts';
import { ReleaseError } from './releases.ts';

/** What can be asked for. */
export type AskedMonitor = Pick<Monitor, 'status' | 'startProcess' | 'stopProcess' | 'restart' | 'upgrade'>;

/**
 * Serves the monitor on a unix socket that only its own user, and a group where there is one, may use. Throws when another monitor
 * answers there.
 */
export async function serveMonitor(
  socketPath: string,
  monitor: AskedMonitor,
  { groupId }: { groupId?: number } = {},
): Promise<{ close(): Promise<void> }> {
  const app = Fastify({ bodyLimit: 16 * 1024 });
  app.get('/status', () => monitor.status());
  const actions = { start: 'startProcess', stop: 'stopProcess', restart: 'restart' } as const;
  for (const [path, action] of Object.entries(actions)) {
    app.post(`/${path}`, async ({ body }, reply) => {
      const input = monitorProcessSchema.safeParse(body);
      if (!input.success) return refuse(reply, input.error);
      await monitor[action](input.data.process);
      return {};
    });
  }
  app.post('/upgrade', async ({ body }, reply) => {
    const input = monitorUpgradeSchema.safeParse(body);
    if (!input.success) return refuse(reply, input.error);
    await monitor.upgrade(input.data.version);
    return reply.code(202).send({});
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) =>
    reply.code(statusOf(error)).send({
      error: error.message,
      ...(error instanceof Failure ? { text: error.text } : {}),
    }),
  );
  await removeStale(socketPath);
  await app.listen({ path: socketPath });
  if (groupId !== undefined) await chown(socketPath, 0, groupId);
  await chmod(socketPath, groupId === undefined ? 0o600 : 0o660);
  return { close: () => app.close() };
}

function statusOf(error: Error & { statusCode?: number }): number {
  if (error instanceof Refusal) return 409;
  if (error instanceof ReleaseError || error instanceof Failure) return 422;
  return error.statusCode ?? 500;
}

function refuse(reply: FastifyReply, error: z.ZodError): FastifyReply {
  return reply.code(400).send({ error: z.prettifyError(error) });
}

/** Removes a socket that a killed monitor left. */
async function removeStale(socketPath: string): Promise<void> {
  if (await isServed(socketPath)) throw new Error(`a monitor runs already: it answers at ${socketPath}`);
  await rm(socketPath, { force: true });
}

/** True when a process answers at the socket. */
export function isServed(socketPath: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
      else reject(error);
    });
  });
}
