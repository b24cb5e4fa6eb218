import type { Database } from '../database/open.ts';
import { type Permission, permissions } from '../permissions/permissions.ts';

/** What a role allows. */
export interface Role {
  id: string;
  displayName: string;
  description: string;
  permissions: readonly Permission[];
}

const ending = (...actions: string[]) =>
  permissions.filter((permission) => actions.some((action) => permission.endsWith(`_${action}`)));
const of = (prefix: string) => permissions.filter((permission) => permission.startsWith(prefix));

/**
 * Roles that are always there. In the original, the administrators of Intune and of the whole directory hold every permission of
 * the group "Microsoft Tunnel Gateway" and no other built-in role holds any; `Administrator` is theirs.
 */
export const builtInRoles: readonly Role[] = [
  {
    id: 'administrator',
    displayName: 'Administrator',
    description: 'Everything',
    permissions,
  },
  {
    id: 'tunnelAdministrator',
    displayName: 'Tunnel Administrator',
    description: 'Configurations, sites, servers and sessions',
    permissions: [...of('Microsoft.Intune_MicrosoftTunnelGateway_'), ...of('Culvert_Sessions_')],
  },
  {
    id: 'readOnlyOperator',
    displayName: 'Read Only Operator',
    description: 'Sees everything and changes nothing',
    permissions: ending('Read'),
  },
  {
    id: 'helpDeskOperator',
    displayName: 'Help Desk Operator',
    description: 'Sees servers and sessions, and ends sessions',
    permissions: ['Microsoft.Intune_MicrosoftTunnelGateway_Read', ...of('Culvert_Sessions_')],
  },
  {
    id: 'roleAdministrator',
    displayName: 'Role Administrator',
    description: 'Roles and who holds them',
    permissions: [...of('Culvert_Roles_'), 'Culvert_Accounts_Read'],
  },
];

/** Writes the built-in roles as this release has them; called at start. */
export async function ensureBuiltInRoles({ tables }: Pick<Database, 'tables'>): Promise<void> {
  const rows = builtInRoles.map(({ id, displayName, description, permissions: granted }) => ({
    id,
    version: 1,
    display_name: displayName,
    description,
    permissions: JSON.stringify(granted),
    is_built_in: 1,
  }));
  const insert = tables.insertInto('roles').values(rows);
  // Of replicas that start at once the later one meets names too, not only identifiers, of which only one kind can be updated.
  await insert.onConflict((conflict) => conflict.doNothing()).execute();
  await insert
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet(({ ref }) => ({
        display_name: ref('excluded.display_name'),
        description: ref('excluded.description'),
        permissions: ref('excluded.permissions'),
      })),
    )
    .execute();
}
