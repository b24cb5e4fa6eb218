import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import { readReleases } from '../releases/store.ts';
import { readFacts } from './facts.ts';
import { isUpgradeAvailable } from './plan.ts';

/** Keeps `upgradeAvailable` of this site, or of all, right. The version of a site stays: it is that of what administrators change. */
export async function refreshAvailability(tables: Kysely<Tables>, now: Date, siteId?: string): Promise<void> {
  const releases = await readReleases(tables);
  for (const facts of await readFacts(tables, siteId)) {
    const isAvailable = isUpgradeAvailable({ ...facts, releases, now });
    if (isAvailable === facts.isShownAsAvailable) continue;
    await tables
      .updateTable('sites')
      .set({ upgrade_available: isAvailable ? 1 : 0 })
      .where('id', '=', facts.siteId)
      .execute();
  }
}
