/** Every tag of the document, in the order in which the page shows them. */
export const tags: readonly { name: string; description: string }[] = [
  {
    name: 'microsoftTunnelConfigurations',
    description: 'Server configurations: network, DNS, port and routes',
  },
  { name: 'microsoftTunnelSites', description: 'Sites: where servers stand, and their configuration' },
  { name: 'microsoftTunnelServers', description: 'Servers of a site, their health and their logs' },
  { name: 'serverCommands', description: 'What servers are told to do, and what came of it' },
  { name: 'joinTokens', description: 'How servers join: one-time tokens, and where agents connect' },
  {
    name: 'microsoftTunnelHealthThresholds',
    description: 'From which values on a server counts as unhealthy',
  },
  { name: 'health', description: 'The health of servers, with reasons and remedies' },
  { name: 'notificationChannels', description: 'Whom to tell when the health of a server changes' },
  { name: 'microsoftTunnelServerLogCollectionResponses', description: 'Logs that were asked of servers' },
  { name: 'roleScopeTags', description: 'Scope tags: which objects a role reaches' },
  { name: 'roles', description: 'Roles and every permission that they can have' },
  { name: 'roleAssignments', description: 'Who holds which role, and over which scope tags' },
  { name: 'tokens', description: 'API tokens for scripts' },
  { name: 'auditEntries', description: 'Who has done what; it cannot be changed' },
  { name: 'settings', description: 'Settings of the control plane' },
  { name: 'accounts', description: 'Local accounts of people' },
  { name: 'me', description: "One's own account" },
  { name: 'signInSessions', description: 'Who is signed in, and since when' },
  { name: 'identityProviders', description: 'Where people of the organisation sign in' },
  { name: 'Operations', description: 'For supervisors and monitoring' },
];
