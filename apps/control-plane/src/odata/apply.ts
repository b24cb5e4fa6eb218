import { type RawBuilder, type SelectQueryBuilder, sql } from 'kysely';
import type { DatabaseEngine } from '../database/open.ts';
import { type Cursor, leastNumber } from './cursor.ts';
import type { EntityType, Field } from './entity-type.ts';
import type { Filter, Literal, TextFunction } from './filter.ts';
import type { CollectionQuery } from './query.ts';

/** Conditions, orders and pages of one kind of object on one engine. Callers' values travel as parameters only. */
export class SqlOfQuery {
  readonly #entity: EntityType;
  readonly #engine: DatabaseEngine;

  constructor(entity: EntityType, engine: DatabaseEngine) {
    this.#entity = entity;
    this.#engine = engine;
  }

  /** The condition of a $filter. Every part is true or false and never unknown, so that `not` means the opposite. */
  where(filter: Filter): RawBuilder<boolean> {
    switch (filter.kind) {
      case 'and':
        return sql`(${this.where(filter.left)} and ${this.where(filter.right)})`;
      case 'or':
        return sql`(${this.where(filter.left)} or ${this.where(filter.right)})`;
      case 'not':
        return sql`(not ${this.where(filter.operand)})`;
      case 'comparison':
        return this.#comparison(this.#field(filter.field), filter.operator, filter.value);
      case 'in': {
        const field = this.#field(filter.field);
        const parts = filter.values.map((value) => this.#comparison(field, 'eq', value));
        return sql`(${sql.join(parts, sql` or `)})`;
      }
      case 'text': {
        const column = sql.ref(this.#field(filter.field).column);
        const pattern = likePattern(filter.function, lowerAscii(filter.value));
        return sql`(${column} is not null and lower(${column}) like ${pattern} escape '\\')`;
      }
      case 'any':
        return sharesElement(this.#engine, this.#field(filter.field).column, [filter.value]);
    }
  }

  /** Adds order, place and length of the page; one row more than asked for tells whether there is a next page. */
  page<Tables, Table extends keyof Tables, Row>(
    rows: SelectQueryBuilder<Tables, Table, Row>,
    query: CollectionQuery,
  ): SelectQueryBuilder<Tables, Table, Row> {
    const order = this.#order(query);
    let paged = rows.limit(query.top + 1);
    for (const { key, descending } of order) paged = paged.orderBy(key, descending ? 'desc' : 'asc');
    if (query.after !== undefined) return paged.where(behind(order, query.after));
    return query.skip === 0 ? paged : paged.offset(query.skip);
  }

  /** The place behind this row. */
  cursor(query: CollectionQuery, row: Readonly<Record<string, unknown>>): Cursor {
    return this.#order(query).map(({ field }) => {
      const value = row[field.column];
      return typeof value === 'string' || typeof value === 'number' ? value : lowest(field);
    });
  }

  #order(query: CollectionQuery) {
    return query.orderBy.map(({ field: name, descending }) => {
      const field = this.#field(name);
      const column = sql.ref(field.column);
      // Engines disagree where nulls stand; here they are the least of all.
      const key =
        field.isNullable === true ? sql`coalesce(${column}, ${sql.lit(lowest(field))})` : sql`${column}`;
      return { field, key, descending };
    });
  }

  #comparison(field: Field, operator: string, value: Literal): RawBuilder<boolean> {
    const column = sql.ref(field.column);
    if (value === null) return operator === 'eq' ? sql`(${column} is null)` : sql`(${column} is not null)`;
    const ignoresCase = field.type === 'string' && field.isExact !== true && /^(eq|ne)$/.test(operator);
    const left = ignoresCase ? sql`lower(${column})` : column;
    const right = ignoresCase && typeof value === 'string' ? lowerAscii(value) : value;
    if (operator === 'ne') return sql`(${column} is null or ${left} <> ${right})`;
    return sql`(${column} is not null and ${left} ${sql.raw(operators[operator] ?? '=')} ${right})`;
  }

  #field(name: string): Field {
    const field = this.#entity.fields[name];
    if (field === undefined) throw new Error(`${this.#entity.name} has no ${name}`);
    return field;
  }
}

const operators: Record<string, string> = { eq: '=', gt: '>', ge: '>=', lt: '<', le: '<=' };

/** True for rows whose JSON list in `column` has one of the texts. */
export function sharesElement(
  engine: DatabaseEngine,
  column: string,
  texts: readonly string[],
): RawBuilder<boolean> {
  if (texts.length === 0) return sql`(1 = 0)`;
  const list = sql.join(texts.map((text) => sql`${text}`));
  const elements =
    engine === 'postgresql'
      ? sql`jsonb_array_elements_text(${sql.ref(column)}::jsonb) as element(value)`
      : sql`json_each(${sql.ref(column)}) as element`;
  return sql`exists (select 1 from ${elements} where element.value in (${list}))`;
}

/** Rows behind the cursor: greater in the first key, or equal there and greater in the second, and so on. */
function behind(
  order: readonly { key: RawBuilder<unknown>; descending: boolean }[],
  cursor: Cursor,
): RawBuilder<boolean> {
  const alternatives = order.map(({ key, descending }, index) => {
    const equal = order.slice(0, index).map((one, place) => sql`${one.key} = ${cursor[place]}`);
    const beyond = descending ? sql`${key} < ${cursor[index]}` : sql`${key} > ${cursor[index]}`;
    return sql`(${sql.join([...equal, beyond], sql` and `)})`;
  });
  const [first] = order;
  if (first === undefined) return sql`(1 = 1)`;
  // Follows from the rest; engines find the place in an index by it, and not by the alternatives.
  const from = first.descending ? sql`${first.key} <= ${cursor[0]}` : sql`${first.key} >= ${cursor[0]}`;
  return sql`(${from} and (${sql.join(alternatives, sql` or `)}))`;
}

function lowest({ type }: Field): NonNullable<Literal> {
  if (type === 'int64') return leastNumber.int64;
  return type === 'int32' || type === 'boolean' ? leastNumber.int32 : '';
}

/** Both engines lower the letters of ASCII and leave all others. */
function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function likePattern(kind: TextFunction, text: string): string {
  const escaped = text.replace(/[\\%_]/g, '\\$&');
  if (kind === 'startswith') return `${escaped}%`;
  return kind === 'endswith' ? `%${escaped}` : `%${escaped}%`;
}
