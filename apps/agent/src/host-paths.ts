import { join } from 'node:path';

/** Places of a server on its host. */
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

/**
 * The places below the directory of a server. `CULVERT_MONITOR_SOCKET` says where the monitor is when it has its socket where
 * containers cannot write.
 */
export function hostPaths(directory: string, environment: NodeJS.ProcessEnv = {}): HostPaths {
  const agentDirectory = join(directory, 'agent');
  const runtime = join(directory, 'run');
  return {
    directory,
    gatewayFile: join(directory, 'gateway.json'),
    adminSocket: join(runtime, 'admin.sock'),
    monitorSocket: environment.CULVERT_MONITOR_SOCKET ?? join(runtime, 'monitor.sock'),
    agentSocket: join(runtime, 'agent.sock'),
    logDirectory: join(directory, 'log'),
    agentDirectory,
    joinTokenFile: join(agentDirectory, 'join-token'),
    settingsFile: join(agentDirectory, 'settings.json'),
    agentInfoFile: join(directory, 'agent-info.json'),
    adminSettingsFile: join(directory, 'admin-settings.json'),
  };
}
