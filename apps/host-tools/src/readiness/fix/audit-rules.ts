/**
 * Rules of auditd (auditctl(8)) for what an attacker would change: keys, certificates and settings of the gateway, its programs,
 * and what is loaded at boot. `deploy/audit/mst.rules` is the same text for hosts that are set up by other means.
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
-w /etc/docker/daemon.json -p wa -k mstunnel_engine
-w /etc/containers -p wa -k mstunnel_engine
# What is set at boot.
-w /etc/sysctl.conf -p wa -k mstunnel_boot
-w /etc/sysctl.d -p wa -k mstunnel_boot
-w /etc/modules-load.d -p wa -k mstunnel_boot
`;
