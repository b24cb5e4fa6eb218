import type { FastifyInstance } from 'fastify';
import type { Context } from './context.ts';
import { registerHealth } from './health/routes.ts';

/** Every route of the control plane. */
export async function registerRoutes(application: FastifyInstance, context: Context): Promise<void> {
  registerHealth(application, context);
}
