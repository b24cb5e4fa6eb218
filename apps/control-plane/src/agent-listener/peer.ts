import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { type AgentAuthority, fingerprintOf } from '../agent-authority/authority.ts';

/** Who is at the other end of a connection, as far as its certificate tells. */
export type Peer =
  | { kind: 'none' }
  /** A certificate that is not of our authority. */
  | { kind: 'foreign'; issuer: string }
  /** A certificate that we have signed; the agent has proved that it has the key. */
  | { kind: 'ours'; fingerprint: string; serverId: string };

const known = new WeakMap<TLSSocket, Peer>();

/** The peer of a connection; worked out once for each. */
export function peerOf(socket: TLSSocket, authority: Pick<AgentAuthority, 'pem'>): Peer {
  const found = known.get(socket);
  if (found !== undefined) return found;
  const peer = judge(socket.getPeerX509Certificate(), new X509Certificate(authority.pem));
  known.set(socket, peer);
  return peer;
}

function judge(certificate: X509Certificate | undefined, authority: X509Certificate): Peer {
  if (certificate === undefined) return { kind: 'none' };
  if (!certificate.checkIssued(authority) || !certificate.verify(authority.publicKey)) {
    return { kind: 'foreign', issuer: certificate.issuer.replaceAll('\n', ', ').slice(0, 200) };
  }
  const serverId = /^CN=(.+)$/m.exec(certificate.subject)?.[1] ?? '';
  return {
    kind: 'ours',
    fingerprint: fingerprintOf(certificate.raw),
    serverId,
  };
}
