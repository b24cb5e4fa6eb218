import { type HealthMetric, healthMetricNames } from '@culvert/contracts';
import type { FastifyInstance } from 'fastify';
import { sql } from 'kysely';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { contextUrl } from '../graph/read.ts';
import { readPermission } from '../graph/scope.ts';
import { readSeries } from '../health-history/series.ts';
import { controlPlaneValues } from '../health-status/control-plane-values.ts';
import { readServers } from '../health-status/read.ts';
import { servers } from './entity.ts';
import { requireServer, serverParameters, serversUrl } from './routes.ts';

const moment = z.iso
  .datetime({ offset: true, error: 'expected a time such as 2026-11-24T09:00:00Z' })
  .transform((text) => new Date(text).toISOString());

/** A span of time in the body of an action. */
export const spanShape = { startDateTime: moment, endDateTime: moment };

const metricsBody = z.looseObject({ metricNames: z.array(z.enum(healthMetricNames)).min(1).max(100) });
const seriesBody = z.looseObject({ metricName: z.enum(healthMetricNames), ...spanShape }).check((context) => {
  const { startDateTime, endDateTime } = context.value;
  if (startDateTime < endDateTime) return;
  context.issues.push({
    code: 'custom',
    path: ['endDateTime'],
    message: 'must be after startDateTime',
    input: endDateTime,
  });
});

/** What is known of the health of servers: the latest values, and one metric over time. Graph has whole numbers. */
export function registerServerActions(application: FastifyInstance, context: Context): void {
  const { tables } = context.database;
  const tags = [servers.path];
  application.post<{ Params: z.output<typeof serverParameters>; Body: z.output<typeof metricsBody> }>(
    `${serversUrl}/:id/getHealthMetrics`,
    {
      config: { access: readPermission },
      schema: {
        summary: 'The latest values of health metrics',
        tags,
        params: serverParameters,
        body: metricsBody,
        response: {
          200: z.object({
            '@odata.context': z.string(),
            value: z.array(z.object({ name: z.string(), value: z.int() })),
          }),
        },
      },
    },
    async (request) => {
      const server = await requireServer(context, request, readPermission);
      const now = context.now();
      const condition = sql<boolean>`servers.id = ${server.id}`;
      const [observed] = await readServers(tables, { condition, most: 1 }, now);
      const values: Partial<Record<HealthMetric, number>> =
        observed === undefined
          ? {}
          : { ...observed.observation.values, ...controlPlaneValues(observed.observation, now) };
      return {
        '@odata.context': contextUrl(context, 'keyLongValuePair'),
        value: request.body.metricNames.flatMap((name) => {
          const value = values[name];
          return value === undefined ? [] : [{ name, value: Math.round(value) }];
        }),
      };
    },
  );
  application.post<{ Params: z.output<typeof serverParameters>; Body: z.output<typeof seriesBody> }>(
    `${serversUrl}/:id/getHealthMetricTimeSeries`,
    {
      config: { access: readPermission },
      schema: {
        summary: 'One health metric over time',
        tags,
        params: serverParameters,
        body: seriesBody,
        response: {
          200: z.object({
            '@odata.context': z.string(),
            value: z.array(z.object({ dateTime: z.string(), value: z.int() })),
          }),
        },
      },
    },
    async (request) => {
      const server = await requireServer(context, request, readPermission);
      const { metricName, startDateTime, endDateTime } = request.body;
      const span = { start: new Date(startDateTime), end: new Date(endDateTime) };
      const series = { serverId: server.id, metric: metricName };
      const points = await readSeries(tables, series, span, context.now());
      return {
        '@odata.context': contextUrl(context, 'metricTimeSeriesDataPoint'),
        value: points.map(({ at, value }) => ({ dateTime: at, value: Math.round(value) })),
      };
    },
  );
}
