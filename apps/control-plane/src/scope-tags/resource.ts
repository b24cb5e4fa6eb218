import { sql } from 'kysely';
import { z } from 'zod';
import type { GraphObject } from '../graph/conversion.ts';
import type { Change, Resource } from '../graph/resource.ts';
import { ApiError } from '../http/errors.ts';
import { sharesElement } from '../odata/apply.ts';
import { rolesAccess } from '../roles/resource.ts';
import { tokensInForce } from '../tokens/ended.ts';
import { scopeTags } from './entity.ts';
import { nextTagNumber } from './tag-number.ts';

const scopeTagSchema = z.strictObject({
  displayName: z.string().min(1).max(200),
  description: z.string().max(1000).default(''),
});

/** Whose rows carry tags as long as they are there, and what people call them. */
const carriers = [
  { table: 'server_configurations', column: 'role_scope_tag_ids', title: 'a server configuration' },
  { table: 'sites', column: 'role_scope_tag_ids', title: 'a site' },
  { table: 'role_assignments', column: 'scope_tag_ids', title: 'a role assignment' },
] as const;

/** Scope tags: objects carry them, and assignments of roles reach over them. */
export const scopeTagResource: Resource = {
  set: scopeTags,
  access: rolesAccess,
  isScoped: false,
  title: 'scope tag',
  schema: scopeTagSchema as unknown as z.ZodType<GraphObject>,
  readOnly: ['id', 'isBuiltIn'],
  nextId: ({ tables }) => nextTagNumber(tables),
  columns: async (_change, _references, row) => {
    if (row?.is_built_in === 1) throw new ApiError('Conflict', 'the built-in scope tag cannot be changed');
    return { ok: true, value: row === undefined ? { is_built_in: 0 } : {} };
  },
  warnings: () => [],
  requireUnused: async (change, { id, is_built_in }) => {
    if (is_built_in === 1) throw new ApiError('Conflict', 'the built-in scope tag cannot be deleted');
    const user = await findCarrier(change, id);
    if (user !== undefined)
      throw new ApiError('Conflict', `the scope tag is still used by ${user}; take it away first`);
  },
};

async function findCarrier({ context, tables }: Change, id: string): Promise<string | undefined> {
  for (const { table, column, title } of carriers) {
    const carries = sharesElement(context.database.engine, column, [id]);
    const row = await tables
      .selectFrom(table)
      .select('id')
      .where(sql<boolean>`${sql.ref(column)} is not null and ${carries}`)
      .executeTakeFirst();
    if (row !== undefined) return `${title} (${row.id})`;
  }
  const carries = sharesElement(context.database.engine, 'scope_tag_ids', [id]);
  const token = await tokensInForce(tables, context.now())
    .select('id')
    .where(sql<boolean>`scope_tag_ids is not null and ${carries}`)
    .executeTakeFirst();
  return token === undefined ? undefined : `an API token (${token.id})`;
}
