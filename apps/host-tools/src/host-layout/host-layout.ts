import { join } from 'node:path';

/** System account that the containers run as, and the group of their files. */
export const serviceAccount = 'mstunnel';

/** Where everything of the product is on a server. */
export interface HostLayout {
  /** What the containers share with the host; they see it under the same path. */
  directory: string;
  environmentFile: string;
  licenceAccepted: string;
  gatewayFile: string;
  /** The server configuration of the site, as the agent has received it. */
  adminSettingsFile: string;
  agentInfoFile: string;
  versionInfoFile: string;
  configuredImagesFile: string;
  certificates: { directory: string; chain: string; active: string };
  privateKeys: { directory: string; key: string; pfx: string; active: string };
  /** Further roots that the containers trust, as `*.crt`. */
  authorities: string;
  diagnostics: string;
  adminSocket: string;
  agentSocket: string;
  /** Logs of gateway, engine and agent. */
  logDirectory: string;
  /** What only root writes: the containers cannot reach it. */
  monitor: { socket: string; runtimeDirectory: string; stateDirectory: string; logDirectory: string };
  /** The executable, and the links to its other names. */
  programs: { directory: string; executable: string };
  unitFile: string;
  moduleFiles: { ipTables: string; tun: string };
  auditRules: string;
}

/** The layout below `root`, which is `/` on a real server. */
export function hostLayout(root = '/'): HostLayout {
  const at = (...parts: string[]) => join(root, ...parts);
  const directory = at('etc/mstunnel');
  const inside = (...parts: string[]) => join(directory, ...parts);
  return {
    directory,
    environmentFile: inside('env.sh'),
    licenceAccepted: inside('EulaAccepted'),
    gatewayFile: inside('gateway.json'),
    adminSettingsFile: inside('admin-settings.json'),
    agentInfoFile: inside('agent-info.json'),
    versionInfoFile: inside('version-info.json'),
    configuredImagesFile: inside('images_configured'),
    certificates: {
      directory: inside('certs'),
      chain: inside('certs/site.crt'),
      active: inside('certs/gateway-active.crt'),
    },
    privateKeys: {
      directory: inside('private'),
      key: inside('private/site.key'),
      pfx: inside('private/site.pfx'),
      active: inside('private/gateway-active.pem'),
    },
    authorities: inside('ca-trust'),
    diagnostics: inside('diagnostic'),
    adminSocket: inside('run/admin.sock'),
    agentSocket: inside('run/agent.sock'),
    logDirectory: inside('log'),
    monitor: {
      socket: at('run/mstunnel/monitor.sock'),
      runtimeDirectory: at('run/mstunnel'),
      stateDirectory: at('var/lib/mstunnel'),
      logDirectory: at('var/log/mstunnel'),
    },
    programs: { directory: at('usr/sbin'), executable: at('usr/sbin/mst-cli') },
    unitFile: at('etc/systemd/system/mstunnel_monitor.service'),
    moduleFiles: {
      ipTables: at('etc/modules-load.d/mstunnel_iptables.conf'),
      tun: at('etc/modules-load.d/mstunnel_tun.conf'),
    },
    auditRules: at('etc/audit/rules.d/mst.rules'),
  };
}
