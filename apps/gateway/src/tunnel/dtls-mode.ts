import { createHash } from 'node:crypto';
import type { ConnectRequest } from './connect-request.ts';

/** How DTLS keys come about (protocol.md §3.1), with the header in which the choice is answered. */
export type DtlsMode =
  | { mode: 'psk' }
  | { mode: 'resume'; header: 'X-DTLS12-CipherSuite' | 'X-DTLS-CipherSuite'; cipherSuite: string };

/** In order of preference. ECDHE-ECDSA names fail with GnuTLS builds; CBC suites mean DTLS 0.9. */
const dtls12Suites = [
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-GCM-SHA256',
];
const openconnectSuites = ['OC-DTLS1_2-AES256-GCM', 'OC-DTLS1_2-AES128-GCM', 'OC2-DTLS1_2-CHACHA20-POLY1305'];

/** Chooses from what the device offers; undefined means that the tunnel stays on TLS. */
export function chooseDtlsMode(request: ConnectRequest): DtlsMode | undefined {
  if (request.dtlsCipherSuites.includes('PSK-NEGOTIATE')) return { mode: 'psk' };
  // The other modes take the client's secret as the master secret of DTLS.
  if (request.dtlsMasterSecret === undefined) return undefined;
  const dtls12 = dtls12Suites.find((name) => request.dtls12CipherSuites.includes(name));
  if (dtls12 !== undefined) return { mode: 'resume', header: 'X-DTLS12-CipherSuite', cipherSuite: dtls12 };
  const other = openconnectSuites.find((name) => request.dtlsCipherSuites.includes(name));
  if (other !== undefined) return { mode: 'resume', header: 'X-DTLS-CipherSuite', cipherSuite: other };
  return undefined;
}

/**
 * `X-DTLS-Session-ID` of the resumption mode, 32 bytes. Made from the session's random `dtlsId`, so it is as
 * random, as stable, and never equal to the App-ID of the other mode.
 */
export function resumptionSessionId(dtlsId: string): string {
  return createHash('sha256').update(`resumption ${dtlsId}`).digest('hex');
}
