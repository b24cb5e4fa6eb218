import type { CertificateSummary } from '@culvert/certificates/site-certificate.ts';
import { formatDuration } from '@culvert/terminal-text/quantities.ts';
import type { LoadedConfiguration } from '../configuration/loaded-configuration.ts';
import { firstHost } from '../network/tunnel-network.ts';

/** What a configuration will do, in plain words: pairs of a heading and a sentence. */
export function explainConfiguration(
  configuration: LoadedConfiguration,
  certificate: CertificateSummary | undefined,
  now: Date,
): [heading: string, text: string][] {
  const { standalone, settings } = configuration;
  const server = standalone.serverConfiguration;
  const listen = standalone.listenAddresses?.join(', ') ?? 'every address of this host';
  const transport = server.disableUdpConnections ? 'TCP only (UDP is switched off)' : 'TCP and UDP';
  return [
    [
      'Devices connect to',
      `${standalone.publicAddress}, port ${server.listenPort}, ${transport}; listening on ${listen}`,
    ],
    ['Devices get', describePools(server)],
    ['Tunnel', describeRoutes(server)],
    ['Names', describeNames(server)],
    ['Internal side', describeInternal(standalone)],
    ['Sign-in', standalone.authentication.map(describeMethod).join('; ')],
    ['Platforms', standalone.allowedPlatforms.join(', ')],
    ['Sessions', describeTimes(settings, standalone.maximumSessionsPerAccount)],
    ['Guessing', describeProtection(standalone.signInProtection)],
    ['Certificate', certificate === undefined ? 'unknown' : describeCertificate(certificate, now)],
    ['Proxy of devices', describeProxy(standalone.clientProxy)],
    ['When told to stop', describeStop(standalone.drainSeconds)],
    ['State', standalone.stateDirectory],
  ];
}

type Standalone = LoadedConfiguration['standalone'];
type Server = Standalone['serverConfiguration'];

/** Addresses of a pool less network address, broadcast address and the gateway's own. */
export function poolSize(network: string): number {
  return 2 ** (32 - Number(network.split('/')[1])) - 3;
}

function describePools({ network, ipv6Network }: Server): string {
  const ipv4 = `an IPv4 address of ${network}, enough for ${poolSize(network).toLocaleString('en')} devices; ${firstHost(network)} is the gateway`;
  return ipv6Network === undefined
    ? `${ipv4}; no IPv6 address`
    : `${ipv4}; an IPv6 address of ${ipv6Network}`;
}

function describeRoutes({ routeIncludes, routeExcludes }: Server): string {
  const excludes = routeExcludes.length === 0 ? '' : `, except ${someOf(routeExcludes)}`;
  return routeIncludes.length === 0
    ? `full: all traffic of devices goes through it${excludes}`
    : `split: only ${someOf(routeIncludes)} go through it${excludes}`;
}

function describeNames({ dnsServers, defaultDomainSuffix, splitDNS }: Server): string {
  if (dnsServers.length === 0) return 'devices keep their own DNS servers';
  const which = splitDNS.length === 0 ? 'every name' : `names below ${someOf(splitDNS)}`;
  const suffix = defaultDomainSuffix === undefined ? '' : `; the search domain is ${defaultDomainSuffix}`;
  return `devices ask ${dnsServers.join(', ')} for ${which}${suffix}`;
}

function describeInternal({ internalInterface, allowDeviceToDevice, tunnelInterface }: Standalone): string {
  const way = internalInterface === undefined ? 'any interface of this host' : `${internalInterface} only`;
  const each = allowDeviceToDevice ? 'devices reach each other' : 'devices cannot reach each other';
  return `traffic from ${tunnelInterface} leaves by ${way}, with the address of this host as its source; ${each}`;
}

function describeMethod(method: Standalone['authentication'][number]): string {
  if (method.kind === 'passwordFile') return `user name and password of ${method.file}`;
  const use = method.use === 'alone' ? 'a client certificate alone' : 'a client certificate as second factor';
  return `${use}, issued by an authority of ${method.authoritiesFile}, account name from ${method.identity}`;
}

function describeTimes(settings: LoadedConfiguration['settings'], perAccount: number): string {
  const idle =
    settings.idleTimeoutSeconds === undefined
      ? 'never end for being idle'
      : `end after ${formatDuration(settings.idleTimeoutSeconds * 1000)} without traffic`;
  return (
    `end ${formatDuration(settings.sessionTimeoutSeconds * 1000)} after sign-in, ${idle}, ` +
    `wait ${formatDuration(settings.roamingTimeoutSeconds * 1000)} for a device that went away; at most ${perAccount} for one account`
  );
}

function describeProtection({
  failuresBeforeBan,
  banSeconds,
  neverBan,
}: Standalone['signInProtection']): string {
  const never = neverBan.length === 0 ? '' : `, never ${neverBan.join(', ')}`;
  return `an address is banned for ${formatDuration(banSeconds * 1000)} after ${failuresBeforeBan} failed sign-ins${never}`;
}

function describeCertificate(certificate: CertificateSummary, now: Date): string {
  const left = formatDuration(certificate.expiresAt.getTime() - now.getTime());
  return (
    `${certificate.subject} (${certificate.names.join(', ')}), ${certificate.key}, issued by ${certificate.issuer}, ` +
    `expires ${certificate.expiresAt.toISOString().slice(0, 10)} (in ${left}); ${certificate.chainLength} certificates are sent`
  );
}

function describeStop(drainSeconds: number): string {
  return drainSeconds === 0
    ? 'it stops at once'
    : `probes and new devices get 503 for ${formatDuration(drainSeconds * 1000)} while tunnels go on, then it stops`;
}

function describeProxy(proxy: Standalone['clientProxy']): string {
  if (proxy === undefined) return 'none is set';
  return 'pacUrl' in proxy
    ? `automatic configuration from ${proxy.pacUrl}`
    : `${proxy.server}, not for ${someOf(proxy.exceptions)}`;
}

/** A list for one line. */
function someOf(list: string[]): string {
  if (list.length === 0) return 'nothing';
  return list.length <= 6 ? list.join(', ') : `${list.slice(0, 5).join(', ')} and ${list.length - 5} more`;
}
