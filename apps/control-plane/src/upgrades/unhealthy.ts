import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';

/** Names of the metrics that are unhealthy, for each server of a site that has some. */
export async function unhealthyMetrics(
  _tables: Kysely<Tables>,
  _siteId: string,
): Promise<Map<string, readonly string[]>> {
  return new Map();
}
