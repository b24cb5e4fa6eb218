import { sql } from 'kysely';
import type { Context } from '../context.ts';
import { ownBase } from '../graph/entity-set.ts';
import { findOrRefuse } from '../graph/read.ts';
import { inScope, readPermission } from '../graph/scope.ts';
import { EntityStore } from '../graph/store.ts';
import type { StoredRow } from '../graph/tables.ts';
import { missingPermission } from '../http/access.ts';
import { type Caller, hasPermission } from '../permissions/caller.ts';
import type { Permission } from '../permissions/permissions.ts';
import { sites } from '../sites/entity.ts';
import { servers } from './entity.ts';
import { serverTitle } from './resource.ts';

/** What we have of a server beyond Graph's shape is below this. */
export const ownServerUrl = `${ownBase}/servers/:id`;

/** A server of any site within the caller's scope, and its site. Throws an ApiError that says why there is none. */
export async function findServer(
  { database: { engine, tables: whole } }: Pick<Context, 'database'>,
  caller: Caller,
  id: string,
  permission: Permission,
  tables = whole,
): Promise<{ server: StoredRow; site: StoredRow }> {
  if (!hasPermission(caller, permission)) throw missingPermission(permission);
  const reaches = (wanted: Permission) =>
    sql<boolean>`site_id in (select sites.id from sites where ${inScope(engine, caller, wanted, 'sites.role_scope_tag_ids')})`;
  const store = new EntityStore(tables, engine, servers);
  const server = await findOrRefuse(store, id, reaches(permission), serverTitle, reaches(readPermission));
  const site = await findOrRefuse(
    new EntityStore(tables, engine, sites),
    String(server.site_id),
    sql<boolean>`(1 = 1)`,
    'site',
  );
  return { server, site };
}
