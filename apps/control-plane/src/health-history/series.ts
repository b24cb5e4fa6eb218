import type { HealthMetric } from '@culvert/contracts';
import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import { resolutionFor, type Span } from './resolutions.ts';

/** Points of one answer at most: a year of hours is 8,784. */
const mostPoints = 10_000;

export interface Point {
  at: string;
  value: number;
}

/** One metric of a server over time, from the resolution that fits the span. Where nothing was measured there is no point. */
export async function readSeries(
  tables: Kysely<Tables>,
  { serverId, metric }: { serverId: string; metric: HealthMetric },
  span: Span,
  now: Date,
): Promise<Point[]> {
  const rows = await tables
    .selectFrom('server_health_samples')
    .select(['at', 'metric_values'])
    .where('server_id', '=', serverId)
    .where('resolution', '=', resolutionFor(span, now))
    .where('at', '>=', span.start.toISOString())
    .where('at', '<=', span.end.toISOString())
    .orderBy('at')
    .limit(mostPoints)
    .execute();
  return rows.flatMap(({ at, metric_values }) => {
    const value = (JSON.parse(metric_values) as Partial<Record<HealthMetric, number>>)[metric];
    return value === undefined ? [] : [{ at, value }];
  });
}
