import type { HealthMetric, HealthSample } from '@culvert/contracts';
import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import { bucketOf, keptSince } from './resolutions.ts';

/**
 * Keeps the samples of a check-in and notes which averages are to be made of them. `own` are the values that the control plane
 * knows at this moment; they join the newest sample. A sample that comes again changes nothing. `tables` is the transaction
 * of the check-in.
 */
export async function writeSamples(
  tables: Kysely<Tables>,
  serverId: string,
  samples: readonly HealthSample[],
  own: Partial<Record<HealthMetric, number>>,
  now: Date,
): Promise<void> {
  const newest = newestOf(samples);
  const oldest = keptSince('fiveMinutes', now);
  const kept = samples
    .map(({ at, values }) => ({
      at: new Date(at),
      values: at === newest?.at ? { ...values, ...own } : values,
    }))
    // A clock that is wrong must not fill the future, where nothing would ever be thrown away.
    .filter(({ at }) => at >= oldest && at.getTime() <= now.getTime() + mostAhead);
  if (kept.length === 0) return;
  await tables
    .insertInto('server_health_samples')
    .values(
      kept.map(({ at, values }) => ({
        server_id: serverId,
        resolution: 'minute' as const,
        at: at.toISOString(),
        metric_values: JSON.stringify(values),
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const buckets = new Set(kept.map(({ at }) => bucketOf('fiveMinutes', at).start.toISOString()));
  await tables
    .insertInto('server_health_rollups')
    .values(
      [...buckets].sort().map((at) => ({ server_id: serverId, resolution: 'fiveMinutes' as const, at })),
    )
    // A note that is there is written again: the work that takes it away must wait for these samples.
    .onConflict((conflict) =>
      conflict
        .columns(['server_id', 'resolution', 'at'])
        .doUpdateSet(({ ref }) => ({ at: ref('excluded.at') })),
    )
    .execute();
}

/** Milliseconds that the clock of a server may be ahead. */
const mostAhead = 5 * 60_000;

function newestOf(samples: readonly HealthSample[]): HealthSample | undefined {
  return samples.reduce<HealthSample | undefined>(
    (newest, sample) =>
      newest === undefined || Date.parse(sample.at) >= Date.parse(newest.at) ? sample : newest,
    undefined,
  );
}
