import { type HealthMetric, type HealthSample, healthMetrics } from '@culvert/contracts';
import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import { writeSamples } from '../health-history/write-samples.ts';
import type { Assessment } from './assess.ts';
import { evaluateServer } from './keep.ts';

/**
 * Judges a server that has just checked in and keeps its samples. For the check-in, in its transaction, after the state of the
 * server and what it told of its configuration were written. `lastCheckInAt` is the check-in before this one.
 */
export async function healthAtCheckIn(
  tables: Kysely<Tables>,
  serverId: string,
  samples: readonly HealthSample[],
  lastCheckInAt: Date | undefined,
  now: Date,
): Promise<void> {
  const assessment = await evaluateServer(tables, serverId, now);
  if (assessment === undefined) return;
  await writeSamples(tables, serverId, samples, ownValues(assessment, lastCheckInAt, now), now);
}

/** What the control plane knows for a sample. At a check-in the time since the last one is always nothing, so it is that before. */
function ownValues(
  { metrics }: Assessment,
  lastCheckInAt: Date | undefined,
  now: Date,
): Partial<Record<HealthMetric, number>> {
  const own = metrics.flatMap(({ name, value }) => {
    if (healthMetrics[name].measuredBy !== 'controlPlane' || name === 'lastCheckInAge') return [];
    return value === undefined ? [] : [[name, value] as const];
  });
  const age =
    lastCheckInAt === undefined ? undefined : Math.floor((now.getTime() - lastCheckInAt.getTime()) / 1000);
  return { ...Object.fromEntries(own), ...(age === undefined ? {} : { lastCheckInAge: age }) };
}
