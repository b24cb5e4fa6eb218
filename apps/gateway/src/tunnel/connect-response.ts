import { netmaskForm } from '../addresses/networks.ts';
import type { LoadedConfiguration } from '../configuration/loaded-configuration.ts';
import type { ConnectRequest } from './connect-request.ts';
import type { DtlsMode } from './dtls-mode.ts';
import type { TunnelMtu } from './mtu.ts';

/** Everything that the answer to one CONNECT depends on. */
export interface ConnectAnswer {
  request: ConnectRequest;
  configuration: Pick<LoadedConfiguration, 'standalone' | 'settings'>;
  ipv4: string;
  /** Undefined when this tunnel carries no IPv6. */
  ipv6: string | undefined;
  gatewayIpv4: string;
  gatewayIpv6: string | undefined;
  mtu: TunnelMtu;
  dtls: DtlsMode | undefined;
  /** `X-DTLS-App-ID` or `X-DTLS-Session-ID`. */
  dtlsId: string;
  /** Seconds of the whole session and what is left of it. */
  sessionSeconds: number;
  remainingSeconds: number;
  /** From 0 up to 1; spreads the rekeying of devices that connected together. */
  random: number;
}

type Header = readonly [name: string, value: string | number];

/** Only what can be a header line: no line break can come from a value (response splitting). */
const safeValue = /^[\x20-\x7e\x80-\u{10ffff}]*$/u;

/**
 * The whole answer to CONNECT, in the exact case that clients compare (protocol.md §1.9). A value that is
 * not one line is left out.
 */
export function connectResponse(answer: ConnectAnswer): string {
  let text = 'HTTP/1.1 200 CONNECTED\r\n';
  const headers = [
    ...general,
    ...addresses(answer),
    ...names(answer),
    ...routes(answer),
    ...timers(answer),
    ...dtls(answer),
    ...clientProxy(answer),
    ...messages(answer),
  ];
  for (const [name, value] of headers) {
    if (safeValue.test(String(value))) text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}

/** What Cisco clients want besides (protocol.md §5.3); openconnect ignores it. */
const general: readonly Header[] = [
  ['X-CSTP-Version', 1],
  ['X-CSTP-Protocol', 'Copyright (c) 2004 Cisco Systems, Inc.'],
  ['X-CSTP-License', 'accept'],
  ['X-CSTP-Keep', 'true'],
  ['X-CSTP-TCP-Keepalive', 'true'],
  ['X-CSTP-Quarantine', 'false'],
  ['X-CSTP-Disable-Always-On-VPN', 'false'],
  ['X-CSTP-Client-Bypass-Protocol', 'false'],
  ['X-CSTP-Routing-Filtering-Ignore', 'false'],
  ['X-CSTP-Smartcard-Removal-Disconnect', 'true'],
];

function addresses({ request, ipv4, ipv6, mtu }: ConnectAnswer): Header[] {
  const headers: Header[] = [];
  if (request.wantsIpv4 || ipv6 === undefined) {
    // A host mask: devices reach each other only through the gateway, if at all.
    headers.push(['X-CSTP-Address', ipv4], ['X-CSTP-Netmask', '255.255.255.255']);
  }
  if (ipv6 !== undefined && request.fullIpv6) headers.push(['X-CSTP-Address-IP6', `${ipv6}/128`]);
  else if (ipv6 !== undefined) {
    headers.push(['X-CSTP-Address', ipv6], ['X-CSTP-Netmask', `${ipv6}/128`]);
  }
  headers.push(['X-CSTP-Base-MTU', mtu.base], ['X-CSTP-MTU', mtu.inner]);
  return headers;
}

function names({ request, configuration, ipv6 }: ConnectAnswer): Header[] {
  const { dnsServers, defaultDomainSuffix, splitDNS } = configuration.standalone.serverConfiguration;
  const headers: Header[] = [];
  let servers = 0;
  for (const server of dnsServers) {
    const isIpv6 = server.includes(':');
    if (isIpv6 && ipv6 === undefined) continue;
    servers += 1;
    headers.push([
      isIpv6 && wantsSeparateIpv6Dns(request.userAgent) ? 'X-CSTP-DNS-IP6' : 'X-CSTP-DNS',
      server,
    ]);
  }
  if (defaultDomainSuffix !== undefined) headers.push(['X-CSTP-Default-Domain', defaultDomainSuffix]);
  for (const domain of splitDNS) headers.push(['X-CSTP-Split-DNS', domain]);
  // Without split domains every name is asked inside.
  headers.push(['X-CSTP-Tunnel-All-DNS', String(servers > 0 && splitDNS.length === 0)]);
  return headers;
}

/** Cisco's own clients take IPv6 servers only under a name of their own (protocol.md §5.1). */
function wantsSeparateIpv6Dns(userAgent: string): boolean {
  return /^(Cisco )?AnyConnect(?!-compatible)|^AnyLink|^Clavister/.test(userAgent);
}

const iosCisco = /^Cisco AnyConnect VPN Agent for Apple/;

function routes({ request, configuration, ipv6, gatewayIpv4, gatewayIpv6 }: ConnectAnswer): Header[] {
  const { routeIncludes, routeExcludes } = configuration.standalone.serverConfiguration;
  const headers: Header[] = [];
  const ipv6Routes = ipv6 !== undefined && (request.fullIpv6 || request.userAgent.includes('OpenConnect'));
  const add = (kind: 'Include' | 'Exclude', network: string) => {
    if (!network.includes(':')) headers.push([`X-CSTP-Split-${kind}`, netmaskForm(network)]);
    else if (ipv6Routes) headers.push([`X-CSTP-Split-${kind}-IP6`, network]);
  };
  for (const network of routeIncludes) add('Include', network);
  for (const network of routeExcludes) add('Exclude', network);

  if (routeIncludes.length > 0) {
    // A family without any include would get its default route through the tunnel (protocol.md §1.9), which
    // is not what a split configuration says; the gateway's own address stands for "nothing else".
    if (routeIncludes.every((network) => network.includes(':'))) add('Include', `${gatewayIpv4}/32`);
    if (ipv6 !== undefined && gatewayIpv6 !== undefined) {
      // Cisco on iOS sends no IPv6 at all into a split tunnel without this route (protocol.md §5.1).
      if (iosCisco.test(request.userAgent)) add('Include', '2000::/3');
      else if (!routeIncludes.some((network) => network.includes(':'))) add('Include', `${gatewayIpv6}/128`);
    }
  }
  return headers;
}

function timers({ configuration, sessionSeconds, remainingSeconds, random }: ConnectAnswer): Header[] {
  const { settings } = configuration;
  return [
    ['X-CSTP-DPD', settings.deadPeerDetectionSeconds],
    ['X-CSTP-Keepalive', settings.keepaliveSeconds],
    ['X-CSTP-Idle-Timeout', settings.idleTimeoutSeconds ?? 'none'],
    ['X-CSTP-Disconnected-Timeout', settings.roamingTimeoutSeconds],
    ['X-CSTP-Rekey-Time', rekeySeconds(settings.rekeySeconds, random)],
    // Never "none": Cisco 5.1 refuses the connection (protocol.md §1.9).
    ['X-CSTP-Rekey-Method', 'new-tunnel'],
    ['X-CSTP-Session-Timeout-Alert-Interval', 60],
    // openconnect takes the last of these two for the time that is left, so the order matters.
    ['X-CSTP-Session-Timeout', sessionSeconds],
    ['X-CSTP-Session-Timeout-Remaining', remainingSeconds],
  ];
}

/** The configured time ± 10 %, below 2³¹ (protocol.md §2.7). */
export function rekeySeconds(configured: number, random: number): number {
  return Math.min(Math.round(configured * (0.9 + 0.2 * random)), 2 ** 31 - 1);
}

function dtls({ configuration, dtls: mode, dtlsId }: ConnectAnswer): Header[] {
  if (mode === undefined) return [];
  const { settings, standalone } = configuration;
  return [
    ['X-DTLS-Port', standalone.serverConfiguration.listenPort],
    ...(mode.mode === 'psk'
      ? ([
          ['X-DTLS-App-ID', dtlsId],
          ['X-DTLS-CipherSuite', 'PSK-NEGOTIATE'],
        ] as const)
      : ([
          ['X-DTLS-Session-ID', dtlsId],
          [mode.header, mode.cipherSuite],
        ] as const)),
    ['X-DTLS-DPD', settings.deadPeerDetectionSeconds],
    ['X-DTLS-Keepalive', settings.keepaliveSeconds],
    // With this pair and a stable id the client keeps its DTLS association when TLS reconnects (§1.10 rule 5).
    ['X-DTLS-Rekey-Time', 86_400],
    ['X-DTLS-Rekey-Method', 'new-tunnel'],
  ];
}

function clientProxy({ configuration }: ConnectAnswer): Header[] {
  const proxy = configuration.standalone.clientProxy;
  if (proxy === undefined) return [];
  if ('pacUrl' in proxy) return [['X-CSTP-MSIE-Proxy-PAC-URL', proxy.pacUrl]];
  return [
    ['X-CSTP-MSIE-Proxy-Server', proxy.server],
    ...proxy.exceptions.map((name) => ['X-CSTP-MSIE-Proxy-Exception', name] as const),
    ['X-CSTP-MSIE-Proxy-Lockdown', 'true'],
  ];
}

function messages({ configuration }: ConnectAnswer): Header[] {
  const { banner } = configuration.settings;
  return banner === undefined ? [] : [['X-CSTP-Banner', banner]];
}

/** An answer that opens no tunnel. 401 ends the client's session for good, 503 makes it try again (§1.9). */
export function refuseConnect(status: 401 | 404 | 503, reason: string): string {
  const phrase = { 401: 'Unauthorized', 404: 'Not Found', 503: 'Service Unavailable' }[status];
  return `HTTP/1.1 ${status} ${phrase}\r\nX-Reason: ${reason}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
}
