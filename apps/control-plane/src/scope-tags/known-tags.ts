import type { Finding } from '@culvert/contracts';
import type { Kysely } from 'kysely';
import type { Database } from '../database/open.ts';
import type { Tables } from '../database/tables.ts';

/** Every object has this tag unless it is given others. */
const defaultTag = '0';

/** Makes the tag that is always there; called at start. */
export async function ensureDefaultTag({ tables }: Pick<Database, 'tables'>): Promise<void> {
  await tables
    .insertInto('scope_tags')
    .values({
      id: defaultTag,
      version: 1,
      display_name: 'Default',
      description: 'Objects without another tag',
      is_built_in: 1,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
}

/** Tags of a list at `path` that are not there. What is no text is left to the schema of the list. */
export async function unknownTags(tables: Kysely<Tables>, path: string, list: unknown): Promise<Finding[]> {
  const ids = Array.isArray(list) ? list.filter((one) => typeof one === 'string') : [];
  if (ids.length === 0) return [];
  const rows = await tables.selectFrom('scope_tags').select('id').where('id', 'in', ids).execute();
  const known = new Set([defaultTag, ...rows.map(({ id }) => id)]);
  return ids.flatMap((id, index) =>
    known.has(id)
      ? []
      : [
          {
            path: `${path}[${index}]`,
            found: JSON.stringify(id),
            message: 'there is no such scope tag; GET /graph/beta/deviceManagement/roleScopeTags lists them',
          },
        ],
  );
}
