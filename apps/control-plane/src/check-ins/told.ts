import type { CheckIn, HealthSample } from '@culvert/contracts';
import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import type { ServerState } from '../servers/tables.ts';
import { newestSample } from './samples.ts';

/** What `server_states` says before a check-in of what a check-in may not know better. */
export type Before = Pick<ServerState, 'latest' | 'latest_at'> | undefined;

/** Writes down what an agent has told: the last state and what Graph shows of it. */
export async function writeTold(
  tables: Kysely<Tables>,
  serverId: string,
  checkIn: CheckIn,
  samples: readonly HealthSample[],
  before: Before,
  now: Date,
): Promise<void> {
  const at = now.toISOString();
  const state = stateOf(checkIn, samples, before, at);
  await tables
    .insertInto('server_states')
    .values({ server_id: serverId, last_logs_at: null, ...state })
    .onConflict((conflict) => conflict.column('server_id').doUpdateSet(state))
    .execute();
  // Not its version, which is what callers have seen of it.
  await tables
    .updateTable('servers')
    .set({
      last_checkin_date_time: at,
      agent_image_digest: checkIn.digests.agent ?? null,
      server_image_digest: checkIn.digests.server ?? null,
    })
    .where('id', '=', serverId)
    .execute();
}

function stateOf(
  { hostName, versions, sessions, appliedRevision, logsAreVerbose, reasons, upgrade }: CheckIn,
  samples: readonly HealthSample[],
  before: Before,
  at: string,
): Omit<ServerState, 'server_id' | 'last_logs_at'> {
  return {
    host_name: hostName,
    agent_version: versions.agent,
    gateway_version: versions.gateway ?? null,
    engine_version: versions.engine ?? null,
    last_check_in_at: at,
    connected: sessions.connected,
    away: sessions.away,
    capacity: sessions.capacity,
    applied_revision: appliedRevision ?? null,
    logs_are_verbose: logsAreVerbose ? 1 : 0,
    reasons: JSON.stringify(reasons),
    ...latestOf(samples, before),
    upgrade_version: upgrade?.version ?? null,
    upgrade_state: upgrade?.state ?? null,
    upgrade_reason: upgrade?.reason ?? null,
    upgrade_at: upgrade === undefined ? null : new Date(upgrade.at).toISOString(),
  };
}

/** The values of the newest sample, which an agent that sends what it has kept may have sent before. */
function latestOf(
  samples: readonly HealthSample[],
  before: Before,
): Pick<ServerState, 'latest' | 'latest_at'> {
  const newest = newestSample(samples);
  if (newest === undefined || (before?.latest_at ?? '') > newest.at) {
    return { latest: before?.latest ?? '{}', latest_at: before?.latest_at ?? null };
  }
  return { latest: JSON.stringify(newest.values), latest_at: newest.at };
}
