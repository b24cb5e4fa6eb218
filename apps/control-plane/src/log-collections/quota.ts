import { type Kysely, sql } from 'kysely';
import type { Tables } from '../database/tables.ts';

/** Bytes of archives that are kept of one server: four of the largest. */
export const serverQuotaBytes = 256 * 1024 * 1024;
/** Bytes of archives that are kept in all: the database is no place for more. */
export const totalQuotaBytes = 2 * 1024 * 1024 * 1024;

/** Why `further` bytes of this server do not fit any more, with the remedy; undefined when they do. */
export async function exceededQuota(
  tables: Kysely<Tables>,
  serverId: string,
  further: number,
): Promise<string | undefined> {
  const used = await tables
    .selectFrom('server_log_collections')
    .select([
      sql<number>`coalesce(sum(received_bytes), 0)`.as('total'),
      sql<number>`coalesce(sum(case when server_id = ${serverId} then received_bytes else 0 end), 0)`.as(
        'server',
      ),
    ])
    .executeTakeFirstOrThrow();
  // PostgreSQL sums up to a type that comes as text.
  return explainQuota({ total: Number(used.total), server: Number(used.server) }, further);
}

/** The decision of `exceededQuota`. */
export function explainQuota(used: { total: number; server: number }, further: number): string | undefined {
  if (used.server + further > serverQuotaBytes) {
    return `the logs of this server take ${mebibytes(used.server)} of the ${mebibytes(serverQuotaBytes)} that are kept of one server: delete some of its log collections`;
  }
  if (used.total + further > totalQuotaBytes) {
    return `the logs of all servers take ${mebibytes(used.total)} of the ${mebibytes(totalQuotaBytes)} that are kept: delete some log collections`;
  }
  return undefined;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}
