import type { FastifyRequest } from 'fastify';
import { type RawBuilder, sql } from 'kysely';
import type { Context } from '../context.ts';
import { findOrRefuse } from '../graph/read.ts';
import { inScope, readPermission } from '../graph/scope.ts';
import { EntityStore } from '../graph/store.ts';
import type { StoredRow } from '../graph/tables.ts';
import { callerOf } from '../http/access.ts';
import type { Permission } from '../permissions/permissions.ts';
import { collectionProgress } from './entity.ts';

/** Collections of servers whose site the caller may see. */
export function visibleCollections(
  { database }: Context,
  request: FastifyRequest,
  permission: Permission,
): RawBuilder<boolean> {
  const scope = inScope(database.engine, callerOf(request), permission, 'sites.role_scope_tag_ids');
  return sql<boolean>`server_id in (select servers.id from servers join sites on sites.id = servers.site_id where ${scope})`;
}

/** The collection of a path, or a 404. */
export function findCollection(
  context: Context,
  request: FastifyRequest<{ Params: { id: string } }>,
  permission: Permission,
): Promise<StoredRow> {
  const { engine, tables } = context.database;
  const store = new EntityStore(tables, engine, collectionProgress);
  const restriction = visibleCollections(context, request, permission);
  const visible = visibleCollections(context, request, readPermission);
  return findOrRefuse(store, request.params.id, restriction, 'log collection', visible);
}
