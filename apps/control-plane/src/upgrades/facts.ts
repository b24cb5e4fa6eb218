import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import type { StoredRow } from '../graph/tables.ts';
import type { PlanFacts, UpgradePolicy } from './plan.ts';
import type { RollOutState } from './roll-out.ts';
import { versionOf } from './server-progress.ts';

/** What decides over the next roll-out of a site. */
export interface SiteFacts extends Pick<PlanFacts, 'policy' | 'current' | 'versions'> {
  readonly siteId: string;
  readonly isShownAsAvailable: boolean;
}

/** Reads this site, or all, in the order of identifiers. */
export async function readFacts(tables: Kysely<Tables>, siteId?: string): Promise<SiteFacts[]> {
  const sites = await tables
    .selectFrom('sites')
    .selectAll()
    .$if(siteId !== undefined, (rows) => rows.where('id', '=', siteId ?? ''))
    .orderBy('id')
    .$castTo<StoredRow>()
    .execute();
  const current = await tables
    .selectFrom('upgrades')
    .select(['site_id', 'state', 'target_version'])
    .where('is_current', '=', 1)
    .$if(siteId !== undefined, (rows) => rows.where('site_id', '=', siteId ?? ''))
    .$castTo<StoredRow>()
    .execute();
  // Servers of one site run few versions.
  const versions = await tables
    .selectFrom('server_states')
    .innerJoin('servers', 'servers.id', 'server_states.server_id')
    .select(['servers.site_id', 'server_states.agent_version', 'server_states.gateway_version'])
    .distinct()
    .$if(siteId !== undefined, (rows) => rows.where('servers.site_id', '=', siteId ?? ''))
    .execute();
  const rollOutOf = new Map(current.map((row) => [row.site_id, row]));
  const versionsOf = Map.groupBy(versions, ({ site_id }) => site_id);
  return sites.map((site) => {
    const row = rollOutOf.get(site.id);
    return {
      siteId: site.id,
      policy: policyOf(site),
      isShownAsAvailable: site.upgrade_available === 1,
      current:
        typeof row?.target_version === 'string'
          ? { state: row.state as RollOutState, target: row.target_version }
          : undefined,
      versions: (versionsOf.get(site.id) ?? []).flatMap(
        ({ agent_version, gateway_version }) =>
          versionOf({
            agentVersion: agent_version ?? undefined,
            gatewayVersion: gateway_version ?? undefined,
          }) ?? [],
      ),
    };
  });
}

function policyOf(site: StoredRow): UpgradePolicy {
  const { upgrade_window_start_time: start, upgrade_window_end_time: end } = site;
  const zone = site.upgrade_window_time_zone ?? site.upgrade_window_utc_offset_in_minutes ?? 0;
  const hasWindow = typeof start === 'string' && typeof end === 'string';
  return {
    isAutomatic: site.upgrade_automatically === 1,
    window: hasWindow ? { start, end, zone } : undefined,
  };
}
