import { userInfo } from 'node:os';
import type { Database } from '../../database/open.ts';
import { prepareDatabase } from '../../database/prepare.ts';
import { createToken } from '../../tokens/store.ts';
import type { Output } from '../output.ts';
import { withDatabase } from './open.ts';

export interface TokenOptions {
  config: string;
  name: string;
  role: string;
  /** Milliseconds. */
  expires: number;
  scopeTag?: string[];
  json?: boolean;
}

/** `token`: makes an API token for a script. Whoever can read the configuration and its database may do so. */
export async function token(options: TokenOptions, output: Output): Promise<void> {
  await withDatabase(options.config, output, async (database) => {
    await prepareDatabase(database);
    const role = await findRole(database, options.role);
    await requireScopeTags(database, options.scopeTag);
    const actor = { kind: 'system', name: `command line (${userInfo().username})` } as const;
    const made = await database.tables.transaction().execute((tables) =>
      createToken(
        tables,
        {
          displayName: options.name,
          roleId: role.id,
          scopeTagIds: options.scopeTag,
          lifetime: options.expires,
        },
        actor,
        new Date(),
      ),
    );
    if (options.json === true) {
      const { id, token: text, expiresAt } = made;
      output.print(JSON.stringify({ id, token: text, roleId: role.id, expiresDateTime: expiresAt }));
      return;
    }
    output.print(made.token);
    output.complain(
      `This token has the role ${role.displayName} until ${made.expiresAt}. It is shown only now.`,
    );
  });
}

async function findRole({ tables }: Database, wanted: string): Promise<{ id: string; displayName: string }> {
  const rows = await tables
    .selectFrom('roles')
    .select(['id', 'display_name as displayName'])
    .orderBy('display_name')
    .execute();
  const role =
    rows.find(({ id, displayName }) => id === wanted || displayName === wanted) ??
    rows.find(({ displayName }) => displayName.toLowerCase() === wanted.toLowerCase());
  if (role !== undefined) return role;
  const list = rows.map(({ id, displayName }) => `  ${id}  (${displayName})`);
  throw new Error(`there is no role "${wanted}"; the roles are:\n${list.join('\n')}`);
}

async function requireScopeTags({ tables }: Database, wanted: readonly string[] = []): Promise<void> {
  const rows = await tables
    .selectFrom('scope_tags')
    .select(['id', 'display_name as displayName'])
    .orderBy('display_name')
    .execute();
  const unknown = wanted.filter((tag) => !rows.some(({ id }) => id === tag));
  if (unknown.length === 0) return;
  const list = rows.map(({ id, displayName }) => `  ${id}  (${displayName})`);
  throw new Error(`there is no scope tag ${unknown.join(', ')}; the scope tags are:\n${list.join('\n')}`);
}
