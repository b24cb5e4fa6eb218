import { type Finding, validateDocument } from '@culvert/contracts';
import type { FastifyRequest } from 'fastify';
import { type AuditRecord, recordAudit } from '../audit/record.ts';
import type { Context } from '../context.ts';
import { newId } from '../database/identifier.ts';
import { callerOf } from '../http/access.ts';
import { checkIfMatch, etagOf } from '../odata/etag.ts';
import type { Permission } from '../permissions/permissions.ts';
import { unknownTags } from '../scope-tags/known-tags.ts';
import { merge, mistakes, readBody } from './body.ts';
import { columnsOf, type GraphObject, present } from './conversion.ts';
import { findOrRefuse, show } from './read.ts';
import type { Change, Resource, StoredColumns } from './resource.ts';
import { requireTags, scopeOf } from './scope.ts';
import { EntityStore } from './store.ts';
import type { StoredRow } from './tables.ts';

/** An object as it was written, with what is doubtful about it. */
export interface Written {
  object: GraphObject;
  warnings: readonly Finding[];
}

/** Creates an object. */
export async function create(
  context: Context,
  request: FastifyRequest,
  resource: Resource,
): Promise<Written> {
  const { properties, references } = readBody(resource, request.body as GraphObject);
  const validated = validateDocument(resource.schema, merge({}, properties));
  return inTransaction(context, request, async (change) => {
    // The mistakes of references are told together with those of the properties.
    const further = await tryColumns(resource, change, references, undefined, validated);
    const unknown = await unknownTagsOf(resource, change, properties);
    if (!validated.ok || !further.ok || unknown.length > 0) {
      throw mistakes([...problemsOf(validated), ...problemsOf(further), ...unknown]);
    }
    if (resource.isScoped) {
      requireTags(change.caller, resource.access.create, validated.value.roleScopeTagIds as string[]);
    }
    const now = context.now();
    const row: StoredRow = {
      id: (await resource.nextId?.(change)) ?? newId(now),
      version: 1,
      ...columnsOf(resource.set.entity, validated.value),
      ...further.value,
    };
    await storeOf(change, resource).insert(row);
    const object = show(resource, row, now);
    await audit(change, resource, 'create', row, { after: object });
    return { object, warnings: resource.warnings(validated.value) };
  });
}

/** Changes the properties that the body names. */
export async function update(
  context: Context,
  request: FastifyRequest,
  resource: Resource,
  id: string,
): Promise<Written> {
  const { properties, references } = readBody(resource, request.body as GraphObject);
  return inTransaction(context, request, async (change) => {
    const row = await findForChange(
      change,
      resource,
      id,
      request.headers['if-match'],
      resource.access.update,
    );
    const before = show(resource, row, context.now());
    const { properties: settable } = readBody(resource, present(resource.set.entity, row));
    const validated = validateDocument(resource.schema, merge(settable, { ...settable, ...properties }));
    const further = await tryColumns(resource, change, references, row, validated);
    const unknown = await unknownTagsOf(resource, change, properties);
    if (!validated.ok || !further.ok || unknown.length > 0) {
      throw mistakes([...problemsOf(validated), ...problemsOf(further), ...unknown]);
    }
    if (resource.isScoped) {
      requireTags(change.caller, resource.access.update, validated.value.roleScopeTagIds as string[]);
    }
    // Properties that the schema leaves out were taken away.
    const absent = Object.fromEntries(Object.keys(settable).map((name) => [name, null]));
    const changed = await storeOf(change, resource).update(row, {
      ...columnsOf(resource.set.entity, { ...absent, ...validated.value }),
      ...further.value,
    });
    const object = show(resource, changed, context.now());
    await audit(change, resource, 'update', changed, { before, after: object });
    return { object, warnings: resource.warnings(validated.value) };
  });
}

/** Deletes an object that nothing needs any more. */
export async function remove(
  context: Context,
  request: FastifyRequest,
  resource: Resource,
  id: string,
): Promise<void> {
  await inTransaction(context, request, async (change) => {
    const row = await findForChange(
      change,
      resource,
      id,
      request.headers['if-match'],
      resource.access.delete,
    );
    await resource.requireUnused(change, row);
    await storeOf(change, resource).remove(row);
    await audit(change, resource, 'delete', row, { before: show(resource, row, context.now()) });
  });
}

/** Runs a change in one transaction. */
export function inTransaction<Result>(
  context: Context,
  request: FastifyRequest,
  work: (change: Change) => Promise<Result>,
): Promise<Result> {
  const caller = callerOf(request);
  return context.database.tables.transaction().execute((tables) => work({ context, tables, caller }));
}

/** The row to change, within the caller's scope and of the version that the caller has seen. */
export async function findForChange(
  change: Change,
  resource: Pick<Resource, 'set' | 'title' | 'isScoped' | 'access'>,
  id: string,
  ifMatch: string | undefined,
  permission: Permission,
): Promise<StoredRow> {
  const { context, caller } = change;
  const { engine } = context.database;
  const restriction = scopeOf(resource, engine, caller, permission);
  const visible = scopeOf(resource, engine, caller, resource.access.read);
  const row = await findOrRefuse(storeOf(change, resource), id, restriction, resource.title, visible);
  checkIfMatch(ifMatch, etagOf(row.id, row.version));
  return row;
}

/** Writes what was done into the audit log. */
export async function audit(
  { context, tables, caller }: Change,
  { set }: Pick<Resource, 'set'>,
  verb: string,
  row: StoredRow,
  states: Pick<AuditRecord, 'before' | 'after'>,
): Promise<void> {
  const tags = row.role_scope_tag_ids;
  await recordAudit(
    tables,
    {
      actor: caller.actor,
      action: `${set.entity.name}.${verb}`,
      object: {
        kind: set.entity.name,
        id: row.id,
        name: String(row.display_name ?? row.id),
        roleScopeTagIds: typeof tags === 'string' ? JSON.parse(tags) : [],
      },
      outcome: 'success',
      ...states,
    },
    context.now(),
  );
}

function storeOf({ context, tables }: Change, { set }: Pick<Resource, 'set'>): EntityStore {
  return new EntityStore(tables, context.database.engine, set);
}

type Checked<Value> = { ok: true; value: Value } | { ok: false; problems: readonly Finding[] };

function problemsOf(checked: Checked<unknown>): readonly Finding[] {
  return checked.ok ? [] : checked.problems;
}

/** Scope tags that the body names and that are not there. */
async function unknownTagsOf({ isScoped }: Resource, { tables }: Change, properties: GraphObject) {
  return isScoped ? unknownTags(tables, 'roleScopeTagIds', properties.roleScopeTagIds) : [];
}

async function tryColumns(
  { columns }: Resource,
  change: Change,
  references: GraphObject,
  row: StoredRow | undefined,
  validated: Checked<GraphObject>,
): Promise<Checked<StoredColumns>> {
  if (columns === undefined) return { ok: true, value: {} };
  return columns(change, references, row, validated.ok ? validated.value : undefined);
}
