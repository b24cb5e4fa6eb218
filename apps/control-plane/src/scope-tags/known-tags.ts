import { type Finding, maximumScopeTags, scopeTagIds } from '@culvert/contracts';
import type { Kysely } from 'kysely';
import type { Database } from '../database/open.ts';
import type { Tables } from '../database/tables.ts';

/** Every object has this tag unless it is given others. */
const defaultTag = '0';

/** Makes the tag that is always there; called at start. */
export async function ensureDefaultTag({ tables }: Pick<Database, 'tables'>): Promise<void> {
  const insert = tables.insertInto('scope_tags').values({
    id: defaultTag,
    version: 1,
    display_name: 'Default',
    description: 'Objects without another tag',
    is_built_in: 1,
  });
  // Of replicas that start at once the later one may meet the name before the identifier.
  await insert.onConflict((conflict) => conflict.doNothing()).execute();
  await insert.onConflict((conflict) => conflict.column('id').doNothing()).execute();
}

/** Tags of a list at `path` that are not there. Whatever else is wrong with the list is left to its schema. */
export async function unknownTags(tables: Kysely<Tables>, path: string, list: unknown): Promise<Finding[]> {
  if (!Array.isArray(list) || list.length > maximumScopeTags) return [];
  const tags = [...list.entries()].flatMap(([index, one]) => {
    const tag = scopeTagIds.element.safeParse(one);
    return tag.success ? [{ index, id: tag.data }] : [];
  });
  if (tags.length === 0) return [];
  const ids = tags.map(({ id }) => id);
  const rows = await tables.selectFrom('scope_tags').select('id').where('id', 'in', ids).execute();
  const known = new Set([defaultTag, ...rows.map(({ id }) => id)]);
  return tags
    .filter(({ id }) => !known.has(id))
    .map(({ index, id }) => ({
      path: `${path}[${index}]`,
      found: JSON.stringify(id),
      message: 'there is no such scope tag; GET /graph/beta/deviceManagement/roleScopeTags lists them',
    }));
}
