import { createHash } from 'node:crypto';
import type { MonitoredProcess } from '@culvert/contracts';
import type { EngineName } from '../container-engine/container-engine.ts';
import { containerNames } from './names.ts';

/** Label with the digest of what a container was made from: another digest means another container. */
export const specificationLabel = 'io.culvert.specification';
/** Label with the version of the product. */
export const versionLabel = 'io.culvert.version';

/** What a container of a server follows from. */
export interface ContainerFacts {
  engine: EngineName;
  /** Podman as the service account. */
  isRootless: boolean;
  /** Podman 5 and later has another network for containers without root. */
  engineMajorVersion: number;
  image: { name: string; digest: string };
  version: string;
  /** The port of `gateway.json`. */
  port: number;
  /** `env.sh`. */
  variables: ReadonlyMap<string, string>;
  account: { userId: number; groupId: number };
  /** The directory of the server, the same inside and outside. */
  directory: string;
  /** Directory of the monitor's socket. */
  monitorDirectory: string;
  monitorSocket: string;
  hostName: string;
  /** Kernels without IPv6 refuse its settings. */
  hasIpv6: boolean;
}

/** How a container is created. */
export interface ContainerSpecification {
  name: string;
  digest: string;
  /** What follows `run --detach`. */
  words: readonly string[];
}

/** Bytes of what a container prints that an engine keeps; the logs of the product are in `log/`. */
const keptOutput = '10m';
/** Seconds that an engine waits when somebody stops the container by hand: `drainSeconds` is 300 at most. */
const stopSeconds: Readonly<Record<MonitoredProcess, number>> = { server: 330, agent: 15 };

/** The container of a server: the same facts give the same words. */
export function specify(process: MonitoredProcess, facts: ContainerFacts): ContainerSpecification {
  const name = containerNames[process];
  const { engine, image, version, directory, hostName, variables } = facts;
  const options = [
    ...['--hostname', hostName],
    ...['--read-only', '--tmpfs', '/tmp', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
    // The monitor starts what ended, and knows what an administrator has stopped.
    ...['--restart', 'no', '--stop-timeout', String(stopSeconds[process])],
    ...logging(engine),
    ...['--volume', `${directory}:${directory}:z`],
    ...[...variables].flatMap(([variable, value]) => ['--env', `${variable}=${value}`]),
    ...(process === 'server' ? serverOptions(facts) : agentOptions(facts)),
  ];
  const digest = createHash('sha256')
    .update(JSON.stringify([image.digest, options]))
    .digest('hex');
  const labels = { [specificationLabel]: digest, [versionLabel]: version };
  const labelWords = Object.entries(labels).flatMap(([label, value]) => ['--label', `${label}=${value}`]);
  return { name, digest, words: ['--name', name, ...labelWords, ...options, image.name] };
}

function serverOptions(facts: ContainerFacts): string[] {
  const { engine, account, port, hasIpv6 } = facts;
  const user = `${account.userId}:${account.groupId}`;
  const sysctls = {
    'net.ipv4.ip_forward': 1,
    'net.ipv4.ip_unprivileged_port_start': 0,
    ...(hasIpv6 ? { 'net.ipv6.conf.all.disable_ipv6': 0, 'net.ipv6.conf.all.forwarding': 1 } : {}),
  };
  return [
    ...['--cap-add', 'NET_ADMIN', '--device', '/dev/net/tun', '--pids-limit', '10000'],
    // Docker gives a user other than root no capability: the container begins as root and gives everything else away.
    ...(engine === 'docker'
      ? ['--cap-add', 'SETUID', '--cap-add', 'SETGID', '--env', `CULVERT_USER=${user}`]
      : ['--user', user]),
    ...Object.entries(sysctls).flatMap(([name, value]) => ['--sysctl', `${name}=${value}`]),
    ...['tcp', 'udp'].flatMap((protocol) => ['--publish', `${port}:${port}/${protocol}`]),
    ...rootless(facts, 'server'),
  ];
}

function agentOptions(facts: ContainerFacts): string[] {
  const { account, monitorDirectory, monitorSocket } = facts;
  return [
    ...['--user', `${account.userId}:${account.groupId}`, '--pids-limit', '1000'],
    // SELinux lets no confined container connect to a socket of the host.
    ...['--security-opt', 'label=disable'],
    ...['--volume', `${monitorDirectory}:${monitorDirectory}:ro`],
    ...['--env', `CULVERT_MONITOR_SOCKET=${monitorSocket}`],
    ...rootless(facts, 'agent'),
  ];
}

function rootless({ isRootless, engineMajorVersion }: ContainerFacts, process: MonitoredProcess): string[] {
  if (!isRootless) return [];
  // The files of the server belong to the same account inside. The usual way of Podman 4 hides the addresses of devices.
  const network =
    process === 'server' && engineMajorVersion < 5
      ? ['--network', 'slirp4netns:port_handler=slirp4netns,enable_ipv6=true']
      : [];
  return ['--userns', 'keep-id', ...network];
}

/** Without a limit the output of a container fills the disk of its host. */
function logging(engine: EngineName): string[] {
  return engine === 'docker'
    ? ['--log-driver', 'json-file', '--log-opt', `max-size=${keptOutput}`, '--log-opt', 'max-file=3']
    : ['--log-driver', 'k8s-file', '--log-opt', `max-size=${keptOutput}b`];
}
