import fc from 'fast-check';
import { type Kysely, sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import type { Database } from '../database/open.ts';
import { ApiError } from '../http/errors.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { SqlOfQuery, sharesElement } from './apply.ts';
import { formatCursor } from './cursor.ts';
import { filters, holds, print, type ThingRow, thing, thingRows } from './odata-testing.ts';
import { parseCollectionQuery, parseItemQuery, type RawQuery } from './query.ts';

async function things({ tables, engine }: Database, rows: readonly ThingRow[]) {
  const text = sql.raw(engine === 'postgresql' ? 'text collate "C"' : 'text');
  await sql`drop table if exists things`.execute(tables);
  await sql`create table things (id ${text} primary key, name ${text}, size integer, bytes bigint, is_on integer, state ${text}, at ${text}, tags ${text})`.execute(
    tables,
  );
  const own = tables as unknown as Kysely<{ things: ThingRow }>;
  await own
    .insertInto('things')
    .values([...rows])
    .execute();
  return own;
}

/** Follows the pages to the end. */
async function walk(database: Database, raw: RawQuery, between?: (page: number) => Promise<void>) {
  const own = database.tables as unknown as Kysely<{ things: ThingRow }>;
  const page = new SqlOfQuery(thing, database.engine);
  const seen: ThingRow[] = [];
  let token: string | undefined;
  for (let number = 0; number < 200; number += 1) {
    const query = parseCollectionQuery(thing, token === undefined ? raw : { ...raw, $skiptoken: token });
    let rows = own.selectFrom('things').selectAll();
    if (query.filter !== undefined) rows = rows.where(page.where(query.filter));
    const found = await page.page(rows, query).execute();
    seen.push(...found.slice(0, query.top));
    const last = found[query.top - 1];
    if (found.length <= query.top || last === undefined) return seen;
    token = formatCursor(page.cursor(query, { ...last }));
    await between?.(number);
  }
  throw new Error('the pages do not end');
}

describeOnEachEngine('a query', (database) => {
  test('finds the same objects as the words of its filter say', async () => {
    await fc.assert(
      fc.asyncProperty(thingRows, fc.array(filters, { minLength: 1, maxLength: 8 }), async (rows, list) => {
        await things(database(), rows);
        for (const filter of list) {
          const found = await walk(database(), { $filter: print(filter), $top: '1000' });
          const expected = rows.filter((row) => holds(filter, row));
          expect(found.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
        }
      }),
      { numRuns: 40 },
    );
  });

  test('walks through its pages in order, each object once, whatever the order and the length of pages', async () => {
    const direction = fc.constantFrom('', ' asc', ' desc');
    const orders = fc
      .uniqueArray(fc.constantFrom('name', 'size', 'bytes', 'isOn', 'state', 'at', 'id'), { maxLength: 3 })
      .chain((names) => fc.tuple(...names.map((name) => direction.map((words) => `${name}${words}`))));
    await fc.assert(
      fc.asyncProperty(thingRows, orders, fc.integer({ min: 1, max: 7 }), async (rows, order, top) => {
        await things(database(), rows);
        const $orderby = order.join(',');
        const raw = $orderby === '' ? {} : { $orderby };
        const whole = await walk(database(), { ...raw, $top: '1000' });
        const pages = await walk(database(), { ...raw, $top: String(top) });
        expect(pages).toEqual(whole);
        expect(new Set(whole.map(({ id }) => id)).size).toBe(rows.length);
      }),
      { numRuns: 40 },
    );
  });

  test('loses and doubles nothing that stays while others come and go', async () => {
    const row = (index: number): ThingRow => ({
      id: `id-${String(index).padStart(4, '0')}`,
      name: `n${index % 7}`,
      size: index,
      bytes: null,
      is_on: 0,
      state: 'pending',
      at: null,
      tags: '[]',
    });
    const stay = Array.from({ length: 60 }, (_, index) => row(index * 2));
    const own = await things(database(), [...stay, row(1), row(51), row(101)]);
    const found = await walk(database(), { $orderby: 'name desc', $top: '9' }, async (page) => {
      await own
        .insertInto('things')
        .values(row(page * 2 + 3))
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      await own.deleteFrom('things').where('id', '=', row(51).id).execute();
    });
    const ids = found.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { id } of stay) expect(ids).toContain(id);
  });

  test('hides what shares no scope tag', async () => {
    const row = (id: string, tags: string[]) => ({
      id,
      name: null,
      size: null,
      bytes: null,
      is_on: 0,
      state: 'pending',
      at: null,
      tags: JSON.stringify(tags),
    });
    const own = await things(database(), [row('a', ['0']), row('b', ['1', '2']), row('c', [])]);
    const visible = async (...tags: string[]) => {
      const rows = own
        .selectFrom('things')
        .select('id')
        .where(sharesElement(database().engine, 'tags', tags));
      return (await rows.orderBy('id').execute()).map(({ id }) => id);
    };
    expect(await visible('0')).toEqual(['a']);
    expect(await visible('2', '0')).toEqual(['a', 'b']);
    expect(await visible()).toEqual([]);
  });
});

describe('the options of a request', () => {
  const mistakes = (raw: RawQuery) => {
    try {
      parseCollectionQuery(thing, raw);
      return [];
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return error.details.map(({ path, message }) => `${path}: ${message}`);
    }
  };

  test('have defaults', () => {
    expect(parseCollectionQuery(thing, {})).toEqual({
      select: undefined,
      expand: [],
      filter: undefined,
      orderBy: [{ field: 'id', descending: false }],
      top: 100,
      skip: 0,
      after: undefined,
      count: false,
    });
    expect(parseItemQuery(thing, { $select: 'id, name', $expand: 'owner' })).toEqual({
      select: ['id', 'name'],
      expand: ['owner'],
    });
  });

  test('are refused all at once, each by its name', () => {
    const raw = {
      $filter: 'x eq 1',
      $top: '-1',
      $skip: '1e3',
      $orderby: 'tags, name up, nme',
      $select: 'nam',
      $expand: 'children',
      $count: 'yes',
      $search: 'x',
      top: '5',
      $skiptoken: 'garbage',
    };
    expect(mistakes(raw).map((text) => text.split(':')[0])).toEqual(
      expect.arrayContaining([
        '$filter',
        '$top',
        '$skip',
        '$orderby',
        '$select',
        '$expand',
        '$count',
        '$search',
        'top',
        '$skiptoken',
      ]),
    );
    expect(mistakes(raw)).toHaveLength(12);
  });

  test.each([
    [{ top: '5' }, 'top: unknown option; did you mean $top?'],
    [{ $apply: 'x' }, '$apply: unknown option; known are $select'],
    [{ $top: ['1', '2'] }, '$top: given twice'],
    [{ $top: '1001' }, 'a whole number from 0 to 1000'],
    [{ $skiptoken: formatCursor([5]) }, 'does not belong to this list'],
    [{ $skiptoken: formatCursor(['\ud800']) }, 'does not belong to this list'],
    [{ $orderby: 'size', $skiptoken: formatCursor(['x', 'id-1']) }, 'does not belong to this list'],
    [{ $orderby: 'size', $skiptoken: formatCursor([1e300, 'id-1']) }, 'does not belong to this list'],
    [{ $orderby: 'size', $skiptoken: formatCursor([2 ** 31, 'id-1']) }, 'does not belong to this list'],
    [{ $orderby: 'bytes', $skiptoken: formatCursor([2 ** 53, 'id-1']) }, 'does not belong to this list'],
    [{ $select: 'id,,name' }, 'has an empty entry'],
  ])('%j is refused', (raw, words) => {
    expect(mistakes(raw).join('\n')).toContain(words);
  });
});
