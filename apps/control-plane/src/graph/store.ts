import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { DatabaseEngine } from '../database/open.ts';
import type { Tables } from '../database/tables.ts';
import { SqlOfQuery } from '../odata/apply.ts';
import type { Cursor } from '../odata/cursor.ts';
import { lostUpdate } from '../odata/etag.ts';
import type { CollectionQuery } from '../odata/query.ts';
import type { EntitySet } from './entity-set.ts';
import type { StoredRow } from './tables.ts';

/** A page of rows; `next` is there when more follow, `count` when it was asked for. */
export interface Page {
  rows: StoredRow[];
  next: Cursor | undefined;
  count: number | undefined;
}

/** Rows of any entity set. The names of tables and columns come from code, never from a caller. */
export class EntityStore {
  readonly #tables: Kysely<Record<string, StoredRow>>;
  readonly #set: EntitySet;
  readonly #sql: SqlOfQuery;

  /** `tables` may be a transaction. */
  constructor(tables: Kysely<Tables>, engine: DatabaseEngine, set: EntitySet) {
    this.#tables = tables as unknown as Kysely<Record<string, StoredRow>>;
    this.#set = set;
    this.#sql = new SqlOfQuery(set.entity, engine);
  }

  /** One page of the rows that satisfy `restriction` and the query. */
  async list(query: CollectionQuery, restriction: RawBuilder<boolean>): Promise<Page> {
    const condition =
      query.filter === undefined
        ? restriction
        : sql<boolean>`${restriction} and ${this.#sql.where(query.filter)}`;
    const all = this.#tables.selectFrom(this.#set.table).where(condition);
    const found =
      query.top === 0 ? [] : await this.#sql.page(all.selectAll(), query).$castTo<StoredRow>().execute();
    const rows = found.slice(0, query.top);
    const last = rows.at(-1);
    return {
      rows,
      next: found.length > rows.length && last !== undefined ? this.#sql.cursor(query, last) : undefined,
      count: query.count ? await this.#count(condition) : undefined,
    };
  }

  async #count(condition: RawBuilder<boolean>): Promise<number> {
    const counted = this.#tables.selectFrom(this.#set.table).where(condition);
    const { count } = await counted.select(sql<number>`count(*)`.as('count')).executeTakeFirstOrThrow();
    return count;
  }

  /** Every row that satisfies the condition, in the order of identifiers; for small numbers only. */
  all(condition: RawBuilder<boolean>, most = 1_000): Promise<StoredRow[]> {
    return this.#tables
      .selectFrom(this.#set.table)
      .selectAll()
      .where(condition)
      .orderBy('id')
      .limit(most)
      .$castTo<StoredRow>()
      .execute();
  }

  /** The first rows of each of these values of a column, in the order of identifiers. */
  firstOfEach(column: string, values: readonly string[], most: number): Promise<StoredRow[]> {
    const ranked = this.#tables
      .selectFrom(this.#set.table)
      .selectAll()
      .select(sql<number>`row_number() over (partition by ${sql.ref(column)} order by id)`.as('place'))
      .where(sql.ref(column), 'in', values);
    return this.#tables
      .selectFrom(ranked.as('ranked'))
      .selectAll()
      .where('place', '<=', most)
      .orderBy('id')
      .$castTo<StoredRow>()
      .execute();
  }

  find(id: string, restriction: RawBuilder<boolean>): Promise<StoredRow | undefined> {
    return this.#tables
      .selectFrom(this.#set.table)
      .selectAll()
      .where('id', '=', id)
      .where(restriction)
      .$castTo<StoredRow>()
      .executeTakeFirst();
  }

  async insert(row: StoredRow): Promise<void> {
    await this.#tables.insertInto(this.#set.table).values(row).execute();
  }

  /** Changes a row and its version. Throws `lostUpdate` when the row has another version than `present` by now. */
  async update(present: StoredRow, columns: Record<string, string | number | null>): Promise<StoredRow> {
    const changed = { ...columns, version: present.version + 1 };
    // Only these columns: others may have changed without a new version, such as the time of last use.
    const { numUpdatedRows } = await this.#tables
      .updateTable(this.#set.table)
      .set(changed)
      .where('id', '=', present.id)
      .where('version', '=', present.version)
      .executeTakeFirst();
    if (numUpdatedRows !== 1n) throw lostUpdate();
    return { ...present, ...changed };
  }

  /** Removes a row. Throws `lostUpdate` when it has another version by now. */
  async remove(present: StoredRow): Promise<void> {
    const { numDeletedRows } = await this.#tables
      .deleteFrom(this.#set.table)
      .where('id', '=', present.id)
      .where('version', '=', present.version)
      .executeTakeFirst();
    if (numDeletedRows !== 1n) throw lostUpdate();
  }
}
