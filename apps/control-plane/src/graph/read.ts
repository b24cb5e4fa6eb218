import type { FastifyRequest } from 'fastify';
import { type RawBuilder, sql } from 'kysely';
import type { Context } from '../context.ts';
import { callerOf } from '../http/access.ts';
import { ApiError } from '../http/errors.ts';
import { formatCursor } from '../odata/cursor.ts';
import { parseCollectionQuery, parseItemQuery, type RawQuery } from '../odata/query.ts';
import { type GraphObject, presenter } from './conversion.ts';
import { type EntitySet, graphBase } from './entity-set.ts';
import type { Resource } from './resource.ts';
import { EntityStore } from './store.ts';
import type { StoredRow } from './tables.ts';

/** A kind of object that is shown. */
export interface Readable extends Pick<Resource, 'derive' | 'expand'> {
  set: EntitySet;
  /** The order when the caller asks for none. */
  defaultOrder?: string;
}

/** Answers a list: a page, what was counted, and the address of the next page. */
export async function answerList(
  context: Context,
  request: FastifyRequest,
  resource: Readable,
  restriction: RawBuilder<boolean> = sql`(1 = 1)`,
): Promise<GraphObject> {
  const { set } = resource;
  const raw = withOrder(request.query as RawQuery, resource.defaultOrder);
  const query = parseCollectionQuery(set.entity, raw);
  const store = new EntityStore(context.database.tables, context.database.engine, set);
  const page = await store.list(query, restriction);
  const expanded = await expandRows(context, request, resource, query.expand, page.rows);
  const shown = shower(resource, context.now(), query.select);
  return {
    ...contextOf(context, set),
    ...(page.count === undefined ? {} : { '@odata.count': page.count }),
    value: page.rows.map((row) => shown(row, expanded.get(row.id))),
    ...(page.next === undefined
      ? {}
      : { '@odata.nextLink': nextLink(context, request, raw, formatCursor(page.next)) }),
  };
}

function withOrder(raw: RawQuery, order: string | undefined): RawQuery {
  const hasOrder = Object.keys(raw).some((name) => name.toLowerCase() === '$orderby');
  return hasOrder || order === undefined ? raw : { ...raw, $orderby: order };
}

/** Answers one object, or 404 when there is none within the restriction. */
export async function answerItem(
  context: Context,
  request: FastifyRequest,
  resource: Readable,
  row: StoredRow,
): Promise<GraphObject> {
  const query = parseItemQuery(resource.set.entity, request.query as RawQuery);
  const expanded = await expandRows(context, request, resource, query.expand, [row]);
  return {
    ...contextOf(context, resource.set, '/$entity'),
    ...shower(resource, context.now(), query.select)(row, expanded.get(row.id)),
  };
}

/** The object of a row. */
export function show(readable: Readable, row: StoredRow, now: Date): GraphObject {
  return shower(readable, now)(row);
}

/** Shows many rows: with a selection only those properties, the identifier and what Graph says of the object. */
function shower(
  { set, derive }: Readable,
  now: Date,
  select?: readonly string[],
): (row: StoredRow, expanded?: GraphObject) => GraphObject {
  const plain = presenter(set.entity);
  const derived = derive?.(now) ?? ((shown: GraphObject) => shown);
  const whole = (row: StoredRow) => derived(plain(row));
  if (select === undefined) return (row, expanded) => Object.assign(whole(row), expanded);
  const isWanted = (name: string) => name === 'id' || name.includes('@') || select.includes(name);
  return (row, expanded) => {
    const wanted = Object.entries(whole(row)).filter(([name]) => isWanted(name));
    return Object.assign(Object.fromEntries(wanted), expanded);
  };
}

/**
 * The row of this identifier; a 404 when there is none that the caller may know of. `visible` are the rows that the caller may
 * read, when `restriction` is about a change: for those it is no secret that they are there.
 */
export async function findOrRefuse(
  store: EntityStore,
  id: string,
  restriction: RawBuilder<boolean>,
  title: string,
  visible?: RawBuilder<boolean>,
): Promise<StoredRow> {
  const row = await store.find(id, restriction);
  if (row !== undefined) return row;
  if (visible !== undefined && (await store.find(id, visible)) !== undefined) {
    throw new ApiError(
      'Forbidden',
      `you may see the ${title} ${id} and not do this with it: the role that allows it reaches other scope tags`,
    );
  }
  throw new ApiError('ResourceNotFound', `there is no ${title} ${id}`);
}

export function contextUrl({ configuration }: Context, path: string): string {
  return `${configuration.publicUrl}/graph/beta/$metadata#deviceManagement/${path}`;
}

/** What Graph says of an answer; our own answers do without. */
export function contextOf(context: Context, { base, path }: EntitySet, suffix = ''): GraphObject {
  return base === graphBase ? { '@odata.context': contextUrl(context, `${path}${suffix}`) } : {};
}

/** The address of an object. */
export function objectUrl({ configuration }: Context, { base, path }: EntitySet, id: string): string {
  return `${configuration.publicUrl}${base}/${path}/${id}`;
}

function nextLink(
  { configuration }: Context,
  request: FastifyRequest,
  raw: RawQuery,
  cursor: string,
): string {
  const kept = Object.entries(raw).filter(([name]) => !/^\$skip(token)?$/i.test(name));
  const options = [...kept, ['$skiptoken', cursor] as const];
  const path = request.url.split('?')[0];
  const query = options.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&');
  return `${configuration.publicUrl}${path}?${query}`;
}

async function expandRows(
  context: Context,
  request: FastifyRequest,
  { expand }: Readable,
  names: readonly string[],
  rows: readonly StoredRow[],
): Promise<Map<string, GraphObject>> {
  if (names.length === 0 || expand === undefined) return new Map();
  return expand(context, callerOf(request), names, rows);
}
