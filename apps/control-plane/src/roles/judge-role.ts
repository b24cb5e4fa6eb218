import type { Finding } from '@culvert/contracts';
import type { Change } from '../graph/resource.ts';
import { beyondCaller } from './resource.ts';

/** What is wrong with a role that the caller gives to somebody, or to a token. What is no text is left to the schema. */
export async function judgeRole(
  change: Pick<Change, 'tables' | 'caller'>,
  roleId: unknown,
): Promise<Finding[]> {
  if (typeof roleId !== 'string') return [];
  const path = 'roleId';
  const role = await change.tables
    .selectFrom('roles')
    .select('permissions')
    .where('id', '=', roleId)
    .executeTakeFirst();
  if (role === undefined) {
    const message = 'there is no such role; GET /api/v1/roles lists them';
    return [{ path, found: JSON.stringify(roleId.slice(0, 80)), message }];
  }
  return beyondCaller(change, JSON.parse(role.permissions)).map((problem) => ({ ...problem, path }));
}
