/** Seconds in which a receiver must answer. */
export const timeoutSeconds = 10;

/** Why a message did not arrive, in words for the administrator. */
export class DeliveryFailure extends Error {}

/** The failure of a connection, by its code. `place` is host and port. */
export function connectionFailure(error: unknown, place: string): DeliveryFailure {
  const { code, message } = error as NodeJS.ErrnoException;
  const known = Object.entries(reasons).find(([name]) => code === name || message.includes(name));
  const reason = known?.[1] ?? `the connection to ${place} failed: ${oneLine(message)}`;
  return new DeliveryFailure(reason.replace('PLACE', place), { cause: error });
}

const unknownAuthority =
  'the certificate of PLACE is of an authority that is not known here; give that authority as "authority"';
const noTls = 'PLACE does not begin with TLS; check the port';

/** By the codes of Node and the words of OpenSSL. */
const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the name of PLACE does not resolve; check it, and the DNS of the control plane',
  EAI_AGAIN: 'the name of PLACE cannot be looked up now; check the DNS of the control plane',
  ECONNREFUSED: 'PLACE refuses connections; check host and port, and whether the service runs',
  ECONNRESET: 'PLACE closed the connection',
  EHOSTUNREACH: 'there is no way to PLACE; check routes and firewalls',
  ENETUNREACH: 'there is no way to PLACE; check routes and firewalls',
  ETIMEDOUT: `PLACE did not answer within ${timeoutSeconds} seconds; a firewall may be between`,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  'unable to verify the first certificate': unknownAuthority,
  'unable to get local issuer certificate': unknownAuthority,
  'self-signed certificate': unknownAuthority,
  CERT_HAS_EXPIRED: 'the certificate of PLACE has expired',
  'certificate has expired': 'the certificate of PLACE has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate of PLACE is for another name',
  "does not match certificate's altnames": 'the certificate of PLACE is for another name',
  'wrong version number': noTls,
  'packet length too long': noTls,
};

/** What a stranger answered, bounded and without what could disturb a page or a log. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').slice(0, 200);
}
