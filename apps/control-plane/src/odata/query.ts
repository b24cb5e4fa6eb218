import { closest, type Finding } from '@culvert/contracts';
import { ApiError } from '../http/errors.ts';
import { type Cursor, parseCursor } from './cursor.ts';
import { type EntityType, fieldOf } from './entity-type.ts';
import { type Filter, parseFilter } from './filter.ts';
import { FilterError } from './tokens.ts';

export interface OrderBy {
  field: string;
  descending: boolean;
}

/** What a caller wants of one object. */
export interface ItemQuery {
  /** Undefined means every property. */
  select: readonly string[] | undefined;
  expand: readonly string[];
}

/** What a caller wants of a collection. */
export interface CollectionQuery extends ItemQuery {
  filter: Filter | undefined;
  /** Ends with `id`, so that no two rows have the same place. */
  orderBy: readonly OrderBy[];
  top: number;
  skip: number;
  after: Cursor | undefined;
  count: boolean;
}

/** The query part of a request as it was sent. */
export type RawQuery = Readonly<Record<string, string | readonly string[] | undefined>>;

const defaultTop = 100;
const mostTop = 1_000;
const mostSkip = 1_000_000;
const mostOrderBy = 5;

export const itemOptions = ['$select', '$expand'] as const;
export const collectionOptions = [
  ...itemOptions,
  '$filter',
  '$orderby',
  '$top',
  '$skip',
  '$count',
  '$skiptoken',
] as const;

/** Reads the options of a collection. Throws an ApiError that names every mistake. */
export function parseCollectionQuery(entity: EntityType, raw: RawQuery): CollectionQuery {
  const options = new Options(entity, raw, collectionOptions);
  const orderBy = options.orderBy();
  const query = {
    select: options.select(),
    expand: options.expand(),
    filter: options.filter(),
    orderBy,
    top: options.number('$top', 0, mostTop, defaultTop),
    skip: options.number('$skip', 0, mostSkip, 0),
    after: options.after(orderBy),
    count: options.truth('$count'),
  };
  options.finish();
  return query;
}

/** Reads the options of one object. Throws an ApiError that names every mistake. */
export function parseItemQuery(entity: EntityType, raw: RawQuery): ItemQuery {
  const options = new Options(entity, raw, itemOptions);
  const query = { select: options.select(), expand: options.expand() };
  options.finish();
  return query;
}

/** Reads options one by one and remembers each mistake. */
class Options {
  readonly #entity: EntityType;
  readonly #values = new Map<string, string>();
  readonly #mistakes: Finding[] = [];

  constructor(entity: EntityType, raw: RawQuery, known: readonly string[]) {
    this.#entity = entity;
    for (const [written, value] of Object.entries(raw)) {
      // OData 4.01, part 1, §11.2.1: the case of option names does not matter; Graph's client writes $skipToken.
      const name = written.toLowerCase();
      if (!known.includes(name)) {
        const close = closest(name.startsWith('$') ? name : `$${name}`, known);
        this.#mistake(
          written,
          `unknown option; ${close === undefined ? `known are ${known.join(', ')}` : `did you mean ${close}?`}`,
        );
      } else if (typeof value === 'string' && !this.#values.has(name)) this.#values.set(name, value);
      else this.#mistake(name, 'given twice; once is allowed');
    }
  }

  finish(): void {
    const [first] = this.#mistakes;
    if (first === undefined) return;
    throw new ApiError('BadRequest', `${first.path}: ${first.message}`, { details: this.#mistakes });
  }

  select(): readonly string[] | undefined {
    const names = this.#names('$select');
    if (names === undefined || names.includes('*')) return undefined;
    for (const name of names) if (fieldOf(this.#entity, name) === undefined) this.#unknown('$select', name);
    return names;
  }

  expand(): readonly string[] {
    const names = this.#names('$expand') ?? [];
    const known = Object.keys(this.#entity.navigation);
    for (const name of names) {
      if (known.includes(name)) continue;
      const list = known.length === 0 ? 'nothing can be expanded here' : `known are ${known.join(', ')}`;
      this.#mistake('$expand', `"${name}" cannot be expanded; ${list}`);
    }
    return [...new Set(names)];
  }

  filter(): Filter | undefined {
    const text = this.#values.get('$filter');
    if (text === undefined) return undefined;
    try {
      return parseFilter(this.#entity, text);
    } catch (error) {
      if (!(error instanceof FilterError)) throw error;
      this.#mistake('$filter', error.message);
      return undefined;
    }
  }

  orderBy(): readonly OrderBy[] {
    const parts = this.#names('$orderby') ?? [];
    if (parts.length > mostOrderBy)
      this.#mistake('$orderby', `at most ${mostOrderBy} properties are allowed`);
    const order: OrderBy[] = [];
    for (const part of parts.slice(0, mostOrderBy)) {
      const [name = '', direction = 'asc', ...rest] = part.split(/\s+/);
      const field = fieldOf(this.#entity, name);
      if (field === undefined) this.#unknown('$orderby', name);
      else if (field.isQueryable === false || field.type.endsWith('Collection')) {
        this.#mistake('$orderby', `cannot order by ${name}`);
      } else if (rest.length > 0 || (direction !== 'asc' && direction !== 'desc')) {
        this.#mistake('$orderby', `write "${name} asc" or "${name} desc"`);
      } else if (!order.some((one) => one.field === name)) {
        order.push({ field: name, descending: direction === 'desc' });
      }
    }
    const place = order.findIndex(({ field }) => field === 'id');
    if (place !== -1) return order.slice(0, place + 1);
    // In the direction of what is before it, so that one index serves both.
    return [...order, { field: 'id', descending: order.at(-1)?.descending ?? false }];
  }

  number(name: string, least: number, most: number, otherwise: number): number {
    const text = this.#values.get(name);
    if (text === undefined) return otherwise;
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    this.#mistake(name, `found "${text}"; expected a whole number from ${least} to ${most}`);
    return otherwise;
  }

  truth(name: string): boolean {
    const text = this.#values.get(name) ?? 'false';
    if (text !== 'true' && text !== 'false') this.#mistake(name, `found "${text}"; expected true or false`);
    return text === 'true';
  }

  after(orderBy: readonly OrderBy[]): Cursor | undefined {
    const text = this.#values.get('$skiptoken');
    if (text === undefined) return undefined;
    const types = orderBy.map(({ field }) => fieldOf(this.#entity, field)?.type ?? 'string');
    const cursor = parseCursor(text, types);
    if (cursor === undefined) {
      this.#mistake(
        '$skiptoken',
        'does not belong to this list; follow @odata.nextLink as it is, or begin again without it',
      );
    }
    return cursor;
  }

  #names(option: string): string[] | undefined {
    const text = this.#values.get(option);
    if (text === undefined) return undefined;
    const names = text.split(',').map((name) => name.trim());
    if (names.includes('')) this.#mistake(option, 'has an empty entry; separate names by commas');
    return names.filter((name) => name !== '');
  }

  #unknown(option: string, name: string): void {
    const known = Object.keys(this.#entity.fields);
    const close = closest(name, known);
    const advice = close === undefined ? `known are ${known.join(', ')}` : `did you mean ${close}?`;
    this.#mistake(option, `${this.#entity.name} has no "${name}"; ${advice}`);
  }

  #mistake(option: string, message: string): void {
    this.#mistakes.push({ path: option, message });
  }
}
