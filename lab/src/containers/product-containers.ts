import type { EngineKind } from './engine.ts';
import { imageVersion } from './images.ts';
import { type ServiceAccount, serverDirectory } from './server-directory.ts';

/** Words of `run` for the server's container, with no more rights than it needs. */
export function serverContainer(engine: EngineKind, { userId, groupId }: ServiceAccount): string[] {
  const user = `${userId}:${groupId}`;
  return [
    ...['run', '--detach', '--name', 'mstunnel-server', ...leastRights],
    ...['--cap-add', 'NET_ADMIN', '--device', '/dev/net/tun', '--pids-limit', '10000'],
    ...['--sysctl', 'net.ipv4.ip_forward=1', '--sysctl', 'net.ipv4.ip_unprivileged_port_start=0'],
    ...['--sysctl', 'net.ipv6.conf.all.disable_ipv6=0', '--sysctl', 'net.ipv6.conf.all.forwarding=1'],
    // Docker gives capabilities to user 0 only; the first process gives away everything but NET_ADMIN.
    ...(engine === 'docker'
      ? ['--cap-add', 'SETUID', '--cap-add', 'SETGID', '--env', `CULVERT_USER=${user}`]
      : ['--user', user]),
    ...['--publish', '443:443/tcp', '--publish', '443:443/udp'],
    `mstunnel-server:${imageVersion}`,
  ];
}

/** Words of `run` for the agent's container, which needs no right at all. */
export function agentContainer({ userId, groupId }: ServiceAccount): string[] {
  return [
    ...['run', '--detach', '--name', 'mstunnel-agent', '--user', `${userId}:${groupId}`, ...leastRights],
    `mstunnel-agent:${imageVersion}`,
  ];
}

const leastRights = [
  ...['--read-only', '--tmpfs', '/tmp', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
  ...['--volume', `${serverDirectory}:${serverDirectory}`],
];
