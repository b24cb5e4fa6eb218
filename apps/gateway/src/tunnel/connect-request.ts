import { canonicalAddress } from '../addresses/networks.ts';
import { displayHeader } from '../http/display-text.ts';

/** Headers of a CONNECT request as Node gives them: lower-case names, repeated lines joined by commas. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** What a device asks for with CONNECT (protocol.md §1.8), every number inside its limits. */
export interface ConnectRequest {
  /** The value of the `webvpn` cookie; undefined without one, or with more than one. */
  cookie: string | undefined;
  userAgent: string;
  /** For display only. */
  hostname: string | undefined;
  /** The device's idea of the outer path MTU, 800…16384. */
  baseMtu: number;
  wantsIpv4: boolean;
  wantsIpv6: boolean;
  /** The device understands `X-CSTP-Address-IP6` and the IPv6 routes. */
  fullIpv6: boolean;
  /** Tunnel addresses that the device has from its last connection; it gives up when it gets others. */
  heldAddresses: readonly string[];
  /** 48 bytes as hexadecimal digits. */
  dtlsMasterSecret: string | undefined;
  dtlsCipherSuites: readonly string[];
  dtls12CipherSuites: readonly string[];
}

export const minimumBaseMtu = 800;
export const maximumBaseMtu = 16_384;
const defaultBaseMtu = 1500;
const maximumSuites = 128;

/** Paths of the tunnel; some third-party clients leave out the slash (protocol.md §1.8). */
export function isTunnelPath(url: string | undefined): boolean {
  const path = url?.split('?', 1)[0];
  return path === '/CSCOSSLC/tunnel' || path === 'CSCOSSLC/tunnel';
}

/** Reads the headers of CONNECT. Nothing in them is an error: what makes no sense counts as absent. */
export function readConnectRequest(headers: Headers): ConnectRequest {
  const families = splitList(single(headers, 'x-cstp-address-type'), ',').map((name) => name.toLowerCase());
  const secret = single(headers, 'x-dtls-master-secret');
  return {
    cookie: readCookie(single(headers, 'cookie'), 'webvpn'),
    userAgent: displayHeader(single(headers, 'user-agent'), 128) ?? '',
    hostname: displayHeader(single(headers, 'x-cstp-hostname'), 64),
    baseMtu: readMtu(single(headers, 'x-cstp-base-mtu')),
    // Old Cisco clients do not send the header and know IPv4 only.
    wantsIpv4: families.length === 0 || families.includes('ipv4'),
    wantsIpv6: families.includes('ipv6'),
    fullIpv6: single(headers, 'x-cstp-full-ipv6-capability')?.toLowerCase() === 'true',
    heldAddresses: splitList(single(headers, 'x-cstp-address'), ',').map(canonicalAddress),
    dtlsMasterSecret:
      secret !== undefined && /^[0-9a-fA-F]{96}$/.test(secret) ? secret.toLowerCase() : undefined,
    dtlsCipherSuites: splitList(single(headers, 'x-dtls-ciphersuite'), ':'),
    dtls12CipherSuites: splitList(single(headers, 'x-dtls12-ciphersuite'), ':'),
  };
}

/** An MTU from the peer, inside 800…16384. What is no plain number counts as 1500. */
export function readMtu(text: string | undefined): number {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return defaultBaseMtu;
  return Math.min(Math.max(Number(text), minimumBaseMtu), maximumBaseMtu);
}

/** The value of one cookie. Undefined when it occurs twice with different values: readers could disagree. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  let found: string | undefined;
  for (const part of header?.split(';') ?? []) {
    const equals = part.indexOf('=');
    if (equals < 0 || part.slice(0, equals).trim() !== name) continue;
    const value = part.slice(equals + 1).trim();
    if (found !== undefined && found !== value) return undefined;
    found = value;
  }
  return found;
}

/** A header's value; repeated lines joined by commas. */
export function single(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.join(', ');
}

function splitList(text: string | undefined, separator: string): string[] {
  if (text === undefined) return [];
  return text
    .split(separator, maximumSuites)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
