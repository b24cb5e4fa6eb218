import { join } from 'node:path';

/** Places of a server on its host, all below one directory. */
export interface HostPaths {
  directory: string;
  gatewayFile: string;
  adminSocket: string;
  monitorSocket: string;
  agentSocket: string;
  logDirectory: string;
  /** What only the agent reads and writes. */
  agentDirectory: string;
  /** An administrator puts a join token here for a server that joins by itself. */
  joinTokenFile: string;
  settingsFile: string;
  /** What the host is told of the agent, and of the configuration in use. */
  agentInfoFile: string;
  adminSettingsFile: string;
}

export function hostPaths(directory: string): HostPaths {
  const agentDirectory = join(directory, 'agent');
  const runtime = join(directory, 'run');
  return {
    directory,
    gatewayFile: join(directory, 'gateway.json'),
    adminSocket: join(runtime, 'admin.sock'),
    monitorSocket: join(runtime, 'monitor.sock'),
    agentSocket: join(runtime, 'agent.sock'),
    logDirectory: join(directory, 'log'),
    agentDirectory,
    joinTokenFile: join(agentDirectory, 'join-token'),
    settingsFile: join(agentDirectory, 'settings.json'),
    agentInfoFile: join(directory, 'agent-info.json'),
    adminSettingsFile: join(directory, 'admin-settings.json'),
  };
}
