import type { FastifyInstance } from 'fastify';
import type { Context } from './context.ts';
import { registerHealth } from './health/routes.ts';
import { registerMetrics } from './metrics/metrics.ts';
import { registerOpenApi } from './openapi/routes.ts';

/** Every route of the control plane. */
export async function registerRoutes(application: FastifyInstance, context: Context): Promise<void> {
  registerMetrics(application);
  await registerOpenApi(application);
  registerHealth(application, context);
}
