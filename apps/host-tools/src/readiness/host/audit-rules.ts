import { dirname } from 'node:path';

/** Where `--fix` puts the rules. */
export const auditRulesFile = '/etc/audit/rules.d/mst.rules';

/**
 * Rules of auditd (auditctl(8)) for what an attacker would change: keys, certificates and settings of the gateway, its programs,
 * and what is loaded at boot. `deploy/audit/mst.rules` is the same text, for hosts that have been set up.
 */
export const auditRules = `# Changes to keys, certificates and settings of the tunnel gateway.
-w /etc/mstunnel/private -p rwa -k mstunnel_keys
-w /etc/mstunnel/certs -p wa -k mstunnel_certificates
-w /etc/mstunnel/ca-trust -p wa -k mstunnel_certificates
-w /etc/mstunnel -p wa -k mstunnel_settings
# State of the monitor: which release runs, and what an administrator has stopped.
-w /var/lib/mstunnel -p wa -k mstunnel_monitor
# Programs and services.
-w /usr/sbin/mst-cli -p wax -k mstunnel_programs
-w /usr/sbin/mstunnel_monitor -p wa -k mstunnel_programs
-w /etc/systemd/system/mstunnel_monitor.service -p wa -k mstunnel_programs
# Container engine.
-w /etc/docker -p wa -k mstunnel_engine
-w /etc/containers -p wa -k mstunnel_engine
# What is set at boot.
-w /etc/sysctl.conf -p wa -k mstunnel_boot
-w /etc/sysctl.d -p wa -k mstunnel_boot
-w /etc/modules-load.d -p wa -k mstunnel_boot
`;

/** Folders that hold what is watched. */
export const watchedFolders: readonly string[] = [
  ...new Set(auditRules.split('\n').flatMap((line) => folderOf(line) ?? [])),
];

/**
 * The rules that a host can load: the kernel refuses to watch below a folder that is not there, and auditctl then passes over every
 * rule that comes after, those of other products too.
 */
export function loadableRules(existing: ReadonlySet<string>): string {
  const isLoadable = (line: string) => {
    const folder = folderOf(line);
    return folder === undefined || existing.has(folder);
  };
  return auditRules.split('\n').filter(isLoadable).join('\n');
}

/** Whether a file has every rule of a text; its own lines beside them are welcome. */
export function hasRules(file: string, wanted: string): boolean {
  const lines = new Set(file.split('\n').map((line) => line.trim()));
  return wanted.split('\n').every((line) => folderOf(line) === undefined || lines.has(line));
}

function folderOf(line: string): string | undefined {
  const path = /^-w (\S+)/.exec(line)?.[1];
  return path === undefined ? undefined : dirname(path);
}
