/** Groups of permissions and the actions in each. The first is the original's; the others are our own. */
export const permissionGroups = {
  MicrosoftTunnelGateway: {
    name: 'Microsoft Tunnel Gateway',
    prefix: 'Microsoft.Intune_MicrosoftTunnelGateway',
    actions: ['Create', 'Read', 'Update', 'Delete'],
  },
  Sessions: { name: 'Sessions', prefix: 'Culvert_Sessions', actions: ['Read', 'Delete'] },
  Accounts: { name: 'Accounts', prefix: 'Culvert_Accounts', actions: ['Create', 'Read', 'Update', 'Delete'] },
  Roles: { name: 'Roles', prefix: 'Culvert_Roles', actions: ['Create', 'Read', 'Update', 'Delete'] },
  Tokens: { name: 'API tokens', prefix: 'Culvert_Tokens', actions: ['Create', 'Read', 'Delete'] },
  Audit: { name: 'Audit log', prefix: 'Culvert_Audit', actions: ['Read'] },
  Settings: { name: 'Settings', prefix: 'Culvert_Settings', actions: ['Read', 'Update'] },
} as const;

type Groups = typeof permissionGroups;
type GroupPermission<Name extends keyof Groups> =
  `${Groups[Name]['prefix']}_${Groups[Name]['actions'][number]}`;

/** A resource action, such as `Microsoft.Intune_MicrosoftTunnelGateway_Read`. */
export type Permission = { [Name in keyof Groups]: GroupPermission<Name> }[keyof Groups];

/** Every permission, in the order of the groups. */
export const permissions: readonly Permission[] = Object.values(permissionGroups).flatMap(
  ({ prefix, actions }) => actions.map((action) => `${prefix}_${action}` as Permission),
);

/** A permission as people read it: `Microsoft Tunnel Gateway / Read`. */
export function permissionName(permission: Permission): string {
  const group = Object.values(permissionGroups).find(({ prefix }) => permission.startsWith(`${prefix}_`));
  return `${group?.name} / ${permission.slice((group?.prefix.length ?? 0) + 1)}`;
}
