import { audit } from '../graph/change.ts';
import type { Change } from '../graph/resource.ts';
import type { StoredRow } from '../graph/tables.ts';
import { logCollections } from './entity.ts';

/** An entry of the audit log about a collection; it is seen by whoever may see the site of the server. */
export async function auditCollection(
  change: Change,
  verb: string,
  row: StoredRow,
  states: { before?: unknown; after?: unknown },
): Promise<void> {
  const site = await change.tables
    .selectFrom('servers')
    .innerJoin('sites', 'sites.id', 'servers.site_id')
    .select('sites.role_scope_tag_ids')
    .where('servers.id', '=', String(row.server_id))
    .executeTakeFirst();
  await audit(change, { set: logCollections }, verb, { ...row, ...site }, states);
}
