/**
 * `lab/setup`: makes this machine ready for the lab. Installs what is missing when it runs as root; otherwise it
 * says in one line what is missing and ends with 1. Nothing is skipped silently.
 */
import { existsSync } from 'node:fs';
import { opensslClientFile } from './client/builds.ts';
import { buildOpensslClient } from './client/openssl-build.ts';
import { attempt, execute } from './system/command.ts';

/** Debian packages and what the lab wants of each. */
const packages: readonly [name: string, purpose: string][] = [
  ['openconnect', 'the stock client'],
  ['ocserv', 'the peer that results are compared with'],
  ['nftables', 'source NAT of the gateway, disturbances of the path'],
  ['iproute2', 'network namespaces'],
  ['iputils-ping', 'reachability and loss'],
  ['procps', 'sysctl'],
  ['iperf3', 'throughput'],
  ['dnsmasq-base', 'the corporate name server'],
  ['haproxy', 'a real sender of PROXY protocol headers, the balancer of the fleet'],
  ['squid', 'the proxy between servers and control plane'],
  ['faketime', 'certificates that expire'],
  ['curl', 'a real HTTP client'],
  ['openssl', 'certificates and TLS probes'],
  ['conntrack', 'NAT rebinding'],
  ['tcpdump', 'what was on the wire'],
  ['python3', 'raw packets, the environment of the client script'],
  ['build-essential', 'building the OpenSSL client'],
  ['pkg-config', 'building the OpenSSL client'],
  ['libssl-dev', 'building the OpenSSL client'],
  ['libxml2-dev', 'building the OpenSSL client'],
  ['zlib1g-dev', 'building the OpenSSL client'],
  ['docker.io', 'containers with Docker'],
  ['podman', 'containers with Podman'],
  ['containernetworking-plugins', 'networks of Podman'],
  ['runc', 'the runtime of both'],
  ['iptables', 'published ports of both'],
  ['debootstrap', 'the base image of containers'],
  ['binutils', 'smaller programs in images'],
  ['debian-archive-keyring', 'checking the source of the OpenSSL client'],
];

/** Things of the kernel and the user that no package brings. */
const prerequisites: readonly [what: string, holds: () => boolean][] = [
  ['root (network namespaces need it: run the same command with sudo)', () => process.getuid?.() === 0],
  [
    '/dev/net/tun (run `modprobe tun`, or start the container with `--device /dev/net/tun`)',
    () => existsSync('/dev/net/tun'),
  ],
];

async function missingPackages(): Promise<string[]> {
  const names = packages.map(([name]) => name);
  const format = '$' + '{Package} $' + '{db:Status-Status}\n';
  const { stdout } = await attempt(['dpkg-query', '--show', '--showformat', format, ...names]);
  const installed = new Set(
    stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return names.filter((name) => !installed.has(name));
}

async function installPackages(names: readonly string[]): Promise<void> {
  for (const name of names) {
    console.log(`installing ${name} – ${packages.find(([known]) => known === name)?.[1]}`);
  }
  const environment = { DEBIAN_FRONTEND: 'noninteractive' };
  const timeoutMilliseconds = 15 * 60_000;
  await execute(['apt-get', 'update'], { environment, timeoutMilliseconds });
  await execute(['apt-get', 'install', '--yes', '--no-install-recommends', ...names], {
    environment,
    timeoutMilliseconds,
  });
}

async function main(): Promise<number> {
  const unmet = prerequisites.filter(([, holds]) => !holds()).map(([what]) => what);
  const missing = await missingPackages();
  if (unmet.length > 0) {
    const debian = missing.length === 0 ? [] : [`Debian packages ${missing.join(' ')}`];
    const built = existsSync(opensslClientFile) ? [] : [`${opensslClientFile} (built by lab/setup)`];
    console.error(`culvert: missing for the lab: ${[...unmet, ...debian, ...built].join('; ')}`);
    return 1;
  }
  if (missing.length > 0) await installPackages(missing);
  const still = await missingPackages();
  if (still.length > 0) {
    console.error(`apt-get reported success, yet these packages are missing: ${still.join(', ')}`);
    return 1;
  }
  console.log(`all ${packages.length} Debian packages are installed`);
  await buildOpensslClient(console.log);
  console.log('the lab is ready');
  return 0;
}

process.exitCode = await main();
