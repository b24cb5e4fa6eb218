import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { emptyDatabase } from '../testing/databases.ts';
import { openDatabase } from './open.ts';
import { StatementNames } from './prepared-statements.ts';

describe('names of statements', () => {
  test('a statement is prepared when it comes again and again', () => {
    const names = new StatementNames();
    const given = Array.from({ length: 5 }, () => names.nameOf('select 1'));
    expect(given.slice(0, 3)).toEqual([undefined, undefined, undefined]);
    expect(given[3]).toMatch(/^[0-9a-f]{32}$/);
    expect(given[4]).toBe(given[3]);
  });

  test('a flood of different statements takes no place from those that come again', () => {
    const names = new StatementNames();
    const name = Array.from({ length: 4 }, () => names.nameOf('select 1')).at(-1);
    for (let number = 0; number < 10_000; number += 1)
      expect(names.nameOf(`select ${number + 2}`)).toBeUndefined();
    expect(names.nameOf('select 1')).toBe(name);
  });

  test('the number of prepared statements is bounded', () => {
    const names = new StatementNames();
    const given = new Set<string>();
    for (let number = 0; number < 1_000; number += 1) {
      for (let use = 0; use < 5; use += 1) {
        const name = names.nameOf(`select ${number}`);
        if (name !== undefined) given.add(name);
      }
    }
    expect(given.size).toBe(200);
  });
});

describe('a prepared statement (postgresql)', () => {
  test('goes on when somebody changes the table in between', async () => {
    const place = await emptyDatabase('postgresql');
    const database = openDatabase(place.url);
    const other = openDatabase(place.url);
    try {
      await sql`create table things (id text)`.execute(other.tables);
      await sql`insert into things values ('a')`.execute(other.tables);
      const all = () => sql`select * from things`.execute(database.tables);
      for (let use = 0; use < 6; use += 1) expect((await all()).rows).toEqual([{ id: 'a' }]);
      await sql`alter table things add column size integer`.execute(other.tables);
      for (let use = 0; use < 6; use += 1) expect((await all()).rows).toEqual([{ id: 'a', size: null }]);
      await sql`alter table things add column colour text`.execute(other.tables);
      await expect(
        database.tables.transaction().execute((tables) => sql`select * from things`.execute(tables)),
      ).rejects.toMatchObject({ code: '0A000' });
      expect((await all()).rows).toEqual([{ id: 'a', size: null, colour: null }]);
    } finally {
      await database.close();
      await other.close();
      await place.remove();
    }
  });
});
