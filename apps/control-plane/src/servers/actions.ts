import { type HealthMetric, healthMetricNames } from '@culvert/contracts';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { contextUrl } from '../graph/read.ts';
import { readPermission } from '../graph/scope.ts';
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

/** Points of one answer: a day of minutes is 1,440. */
const mostPoints = 10_000;

/** What servers have reported: the latest values, and one metric over time. */
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
      const latest = await tables
        .selectFrom('server_health_samples')
        .select('metric_values')
        .where('server_id', '=', server.id)
        .where('resolution', '=', 'minute')
        .orderBy('at', 'desc')
        .executeTakeFirst();
      const values = readValues(latest?.metric_values ?? '{}');
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
      const rows = await tables
        .selectFrom('server_health_samples')
        .select(['at', 'metric_values'])
        .where('server_id', '=', server.id)
        .where('resolution', '=', 'minute')
        .where('at', '>=', startDateTime)
        .where('at', '<=', endDateTime)
        .orderBy('at')
        .limit(mostPoints)
        .execute();
      return {
        '@odata.context': contextUrl(context, 'metricTimeSeriesDataPoint'),
        value: rows.flatMap(({ at, metric_values }) => {
          const value = readValues(metric_values)[metricName];
          return value === undefined ? [] : [{ dateTime: at, value: Math.round(value) }];
        }),
      };
    },
  );
}

/** The values of a sample, written by this process or another replica. */
function readValues(text: string): Partial<Record<HealthMetric, number>> {
  return JSON.parse(text) as Partial<Record<HealthMetric, number>>;
}
