import { type Kysely, sql } from 'kysely';
import type { Tables } from '../database/tables.ts';

const counter = 'scope_tags';

/**
 * The identifier of the next scope tag: Graph counts them from 0. None is given twice, because entries of the audit log keep the
 * tags that objects had, and whoever reaches the new tag would read about the objects of the old one.
 */
export async function nextTagNumber(tables: Kysely<Tables>): Promise<string> {
  await tables
    .insertInto('scope_tag_numbers')
    .values({ id: counter, last: 0 })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
  // Makes others who create a tag at this moment wait for this one.
  const { last } = await tables
    .updateTable('scope_tag_numbers')
    .set(({ eb }) => ({ last: eb('last', '+', 1) }))
    .where('id', '=', counter)
    .returning('last')
    .executeTakeFirstOrThrow();
  const { greatest } = await tables
    .selectFrom('scope_tags')
    .select(sql<number | null>`max(cast(id as integer))`.as('greatest'))
    .executeTakeFirstOrThrow();
  if (greatest === null || greatest < last) return String(last);
  await tables
    .updateTable('scope_tag_numbers')
    .set({ last: greatest + 1 })
    .where('id', '=', counter)
    .execute();
  return String(greatest + 1);
}
