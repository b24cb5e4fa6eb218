import type { Kysely } from 'kysely';
import type { Context } from '../context.ts';
import type { Tables } from '../database/tables.ts';
import { type Average, averageOfOne, combine, type Values } from './averages.ts';
import { type Averaged, bucketOf, finerThan, keptSince, resolutions } from './resolutions.ts';

/** Buckets of one transaction. */
const batch = 100;
/** Milliseconds after the end of a bucket in which its last sample is waited for. */
const patience = 30_000;

type Place = Pick<Context, 'database' | 'now'>;
interface Bucket {
  server_id: string;
  resolution: Averaged;
  at: string;
}

/** Makes the averages of buckets that have ended and to which samples have come. Resolves to whether more may be due. */
export async function rollUpDue({ database, now }: Place): Promise<boolean> {
  for (const resolution of ['fiveMinutes', 'hour'] as const) {
    const count = await database.tables
      .transaction()
      .execute((tables) => rollUpSome(tables, resolution, now()));
    if (count === batch) return true;
  }
  return false;
}

async function rollUpSome(tables: Kysely<Tables>, resolution: Averaged, now: Date): Promise<number> {
  const ended = new Date(now.getTime() - resolutions[resolution].milliseconds - patience).toISOString();
  const due = await tables
    .selectFrom('server_health_rollups')
    .selectAll()
    .where('resolution', '=', resolution)
    .where('at', '<=', ended)
    .orderBy('at')
    .limit(batch)
    .execute();
  for (const bucket of due) {
    // The note goes first: samples that come from now on make another one.
    await tables
      .deleteFrom('server_health_rollups')
      .where('server_id', '=', bucket.server_id)
      .where('resolution', '=', resolution)
      .where('at', '=', bucket.at)
      .execute();
    if (resolution === 'fiveMinutes') await rollUpFiveMinutes(tables, bucket, now);
    else await rollUpHour(tables, bucket);
  }
  return due.length;
}

/** An average whose samples are gone is added to, and then so are the new samples; any other is made anew. */
async function rollUpFiveMinutes(tables: Kysely<Tables>, bucket: Bucket, now: Date): Promise<void> {
  const samples = (await readFiner(tables, bucket)).map(({ values }) => averageOfOne(values));
  if (samples.length === 0) return;
  const before = await tables
    .selectFrom('server_health_samples')
    .select(['metric_values', 'sample_count', 'metric_counts', 'is_closed'])
    .where('server_id', '=', bucket.server_id)
    .where('resolution', '=', 'fiveMinutes')
    .where('at', '=', bucket.at)
    .executeTakeFirst();
  const isClosed = before?.is_closed === 1;
  const average = combine(isClosed ? [averageOf(before), ...samples] : samples);
  const closes = isClosed || bucket.at < closedBefore(now);
  await writeAverage(tables, bucket, average, closes ? 1 : 0);
  if (closes) await deleteFiner(tables, bucket);
  const hour = bucketOf('hour', new Date(bucket.at)).start.toISOString();
  await tables
    .insertInto('server_health_rollups')
    .values({ server_id: bucket.server_id, resolution: 'hour', at: hour })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

async function rollUpHour(tables: Kysely<Tables>, bucket: Bucket): Promise<void> {
  const averages = (await readFiner(tables, bucket)).map(({ average }) => average);
  if (averages.length > 0) await writeAverage(tables, bucket, combine(averages), null);
}

/** The moment before which samples of minutes are not kept, as it stands in the database. */
export function closedBefore(now: Date): string {
  return bucketOf('fiveMinutes', keptSince('minute', now)).start.toISOString();
}

function ofFiner({ server_id, resolution, at }: Bucket) {
  const { start, end } = bucketOf(resolution, new Date(at));
  return {
    server_id,
    resolution: finerThan[resolution],
    start: start.toISOString(),
    end: end.toISOString(),
  };
}

async function readFiner(tables: Kysely<Tables>, bucket: Bucket) {
  const { server_id, resolution, start, end } = ofFiner(bucket);
  const rows = await tables
    .selectFrom('server_health_samples')
    .select(['metric_values', 'sample_count', 'metric_counts'])
    .where('server_id', '=', server_id)
    .where('resolution', '=', resolution)
    .where('at', '>=', start)
    .where('at', '<', end)
    .orderBy('at')
    .execute();
  return rows.map((row) => ({ values: JSON.parse(row.metric_values) as Values, average: averageOf(row) }));
}

/** Removes the samples of five minutes that are in their average for good. */
export async function deleteFiner(tables: Kysely<Tables>, bucket: Bucket): Promise<void> {
  const { server_id, resolution, start, end } = ofFiner(bucket);
  await tables
    .deleteFrom('server_health_samples')
    .where('server_id', '=', server_id)
    .where('resolution', '=', resolution)
    .where('at', '>=', start)
    .where('at', '<', end)
    .execute();
}

function averageOf(row: {
  metric_values: string;
  sample_count: number | null;
  metric_counts: string | null;
}): Average {
  return {
    values: JSON.parse(row.metric_values) as Values,
    count: row.sample_count ?? 1,
    counts: JSON.parse(row.metric_counts ?? '{}') as Average['counts'],
  };
}

async function writeAverage(
  tables: Kysely<Tables>,
  bucket: Bucket,
  { values, count, counts }: Average,
  isClosed: 0 | 1 | null,
): Promise<void> {
  const columns = {
    metric_values: JSON.stringify(values),
    sample_count: count,
    metric_counts: Object.keys(counts).length === 0 ? null : JSON.stringify(counts),
    is_closed: isClosed,
  };
  await tables
    .insertInto('server_health_samples')
    .values({ server_id: bucket.server_id, resolution: bucket.resolution, at: bucket.at, ...columns })
    .onConflict((conflict) => conflict.columns(['server_id', 'resolution', 'at']).doUpdateSet(columns))
    .execute();
}
