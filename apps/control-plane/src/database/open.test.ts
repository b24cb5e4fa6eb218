import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { emptyDatabase } from '../testing/databases.ts';
import { databaseFailure } from './failure.ts';
import { openDatabase } from './open.ts';

test('a server that does not answer is given up, and its connections are not used again', async () => {
  const place = await emptyDatabase('postgresql');
  const { tables, close } = openDatabase(place.url, { answerTimeout: 200 });
  const pause = sql`select pg_sleep(30)`;
  const failures = await Promise.all(
    Array.from({ length: 10 }, () => pause.execute(tables).then(() => undefined, databaseFailure)),
  );
  expect(failures).toEqual(Array.from({ length: 10 }, () => ({ kind: 'unavailable' })));
  const after = await Promise.all(Array.from({ length: 10 }, () => sql`select 1 as one`.execute(tables)));
  expect(after.map(({ rows }) => rows)).toEqual(Array.from({ length: 10 }, () => [{ one: 1 }]));
  await close();
  await place.remove();
});

test('a connection that breaks between two statements of a transaction fails the transaction only', async () => {
  const place = await emptyDatabase('postgresql');
  const { tables, close } = openDatabase(place.url);
  const broken = tables.transaction().execute(async (transaction) => {
    const own = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(transaction);
    await sql`select pg_terminate_backend(${own.rows[0]?.pid ?? 0})`.execute(tables);
    // The end reaches this process while no statement waits for it.
    await new Promise((resolve) => setTimeout(resolve, 100));
    await sql`select 1`.execute(transaction);
  });
  expect(databaseFailure(await broken.catch((error: unknown) => error))).toEqual({ kind: 'unavailable' });
  await sql`select 1`.execute(tables);
  await close();
  await place.remove();
});
