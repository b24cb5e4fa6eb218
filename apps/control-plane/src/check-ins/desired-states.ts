import { hash } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import type { Tables } from '../database/tables.ts';
import { settingsId } from '../settings/store.ts';
import { upgradeStep } from '../upgrades/check-in.ts';

/** Everything that an answer to a check-in depends on, told apart by version or identifier. */
export interface DesiredState {
  site_id: string | number | null;
  site_version: number;
  configuration_id: string;
  configuration_version: number;
  settings_version: number | null;
  /** The last command that the agent does not have yet. */
  waiting_command: string | null;
  /** Where the server is in an upgrade that tells it what to run. */
  upgrade_step: string | null;
  /** Until when its logs are to be verbose; the time may have passed. */
  verbose_until: string | null;
}

/**
 * The desired states of servers. What an answer to a check-in depends on is a column here, so that a change of it wakes the
 * agents that wait, whichever replica made it.
 */
export function desiredStates(tables: Kysely<Tables>, now: Date) {
  const waiting = tables
    .selectFrom('server_commands')
    .select(({ fn }) => ['server_id', fn.max('id').as('last')])
    .where('state', '=', 'waiting')
    .where('expires_at', '>', now.toISOString())
    .groupBy('server_id');
  return tables
    .selectFrom('servers as server')
    .innerJoin('sites as site', 'site.id', 'server.site_id')
    .innerJoin('server_configurations as configuration', 'configuration.id', 'site.server_configuration_id')
    .leftJoin(waiting.as('waiting'), 'waiting.server_id', 'server.id')
    .select([
      'server.site_id',
      'site.version as site_version',
      'configuration.id as configuration_id',
      'configuration.version as configuration_version',
      'waiting.last as waiting_command',
      sql<string | null>`(select max(verbose_until) from server_log_collections as collection
        where collection.server_id = server.id and collection.state = 'verbose')`.as('verbose_until'),
      sql<number | null>`(select version from settings where settings.id = ${settingsId})`.as(
        'settings_version',
      ),
      upgradeStep(sql.ref('server.id')).as('upgrade_step'),
    ]);
}

/** Names a desired state: two states with the same name need no check-in between them. */
export function cursorOf(state: DesiredState): string {
  const { site_id, site_version, configuration_id, configuration_version, settings_version } = state;
  const parts = [site_id, site_version, configuration_id, configuration_version, settings_version];
  const told = [...parts, state.waiting_command, state.upgrade_step, state.verbose_until];
  return hash('sha256', JSON.stringify(told), 'base64url').slice(0, 22);
}

/** The cursor of every agent by the fingerprint of its certificate; those that are not let in any more are missing. */
export async function cursorsByFingerprint(tables: Kysely<Tables>, now: Date): Promise<Map<string, string>> {
  const rows = await desiredStates(tables, now)
    .innerJoin('agent_certificates as certificate', 'certificate.server_id', 'server.id')
    .select('certificate.fingerprint')
    .where('certificate.revoked_at', 'is', null)
    .where('certificate.not_after', '>', now.toISOString())
    .execute();
  return new Map(rows.map((row) => [row.fingerprint, cursorOf(row)]));
}
