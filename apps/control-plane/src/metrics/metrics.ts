import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { callerOf } from '../http/access.ts';
import { fleetMetrics } from './fleet-metrics.ts';

/** Seconds; the goal for a list page is 50 ms. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/**
 * Measures requests, the process and the servers, and answers `/metrics` in the format of Prometheus. Routes appear as they are written,
 * never as they were asked for: that would let strangers make any number of series.
 */
export function registerMetrics(application: FastifyInstance, context: Context): void {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const duration = new Histogram({
    name: 'culvert_http_request_duration_seconds',
    help: 'Time from the first byte of a request to the last of its answer.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets,
    registers: [registry],
  });
  application.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    duration.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
  });
  application.get(
    '/metrics',
    {
      config: { access: 'Microsoft.Intune_MicrosoftTunnelGateway_Read' },
      schema: {
        summary: 'Metrics for Prometheus',
        tags: ['Operations'],
        response: { 200: { content: { 'text/plain': { schema: z.string() } } } },
      },
    },
    async (request, reply) => {
      const ofProcess = await registry.metrics();
      const ofServers = await fleetMetrics(context, callerOf(request));
      return reply.type(registry.contentType).send(`${ofProcess}\n${ofServers}`);
    },
  );
}
