import { X509Certificate } from 'node:crypto';
import { findTrustedPath } from './client-path.ts';
import { type IdentityRule, readIdentity } from './identity.ts';
import { explainWeakKey } from './key-strength.ts';

/** Why a client certificate does not sign in. */
export type ClientCertificateRefusal =
  | 'unproved'
  | 'unreadable'
  | 'weakKey'
  | 'expired'
  | 'notYetValid'
  | 'unknownIssuer'
  | 'notForClients'
  | 'noIdentity';

/** What the examination of a client certificate found; `detail` is a sentence for logs and forms. */
export type ClientCertificateVerdict =
  | { kind: 'accepted'; account: string }
  | { kind: 'refused'; reason: ClientCertificateRefusal; detail: string };

export interface ClientCertificateRule {
  /** The authorities that the administrator trusts for this, roots or intermediates. */
  authorities: X509Certificate[];
  identity: IdentityRule;
}

/** A device sends its leaf and a few intermediates; more is an attack on the path search. */
const longestChain = 8;
const clientAuthentication = '1.3.6.1.5.5.7.3.2';
const anyPurpose = '2.5.29.37.0';

/**
 * Decides whether a client certificate signs in, and as whom. `chainDer` is what the device sent, leaf first.
 * TLS proved possession of the key only if `possessionProved`; the engine asks for certificates without
 * verifying who issued them, so everything else is decided here.
 */
export function examineClientCertificate(
  chainDer: Buffer[],
  possessionProved: boolean,
  rule: ClientCertificateRule,
  now: Date,
): ClientCertificateVerdict {
  const [leaf, ...others] = readChain(chainDer);
  if (leaf === undefined) return refused('unreadable', 'the client certificate cannot be read');
  // First, because the engine cannot verify what a key that is too short has signed.
  const weakness = explainWeak(leaf);
  if (weakness !== undefined) return refused('weakKey', weakness);
  if (!possessionProved) {
    return refused('unproved', 'the device did not prove that it has the key of its certificate');
  }
  if (now > leaf.validToDate) {
    return refused('expired', `the client certificate expired on ${leaf.validToDate.toISOString()}`);
  }
  if (now < leaf.validFromDate) {
    return refused(
      'notYetValid',
      `the client certificate is not valid before ${leaf.validFromDate.toISOString()}`,
    );
  }
  const path = findTrustedPath(leaf, others, rule.authorities, now);
  if (!path.ok) return refused(path.reason, path.detail);
  const purposes = (leaf.keyUsage ?? []) as string[];
  if (purposes.length > 0 && !purposes.includes(clientAuthentication) && !purposes.includes(anyPurpose)) {
    return refused('notForClients', 'the extended key usage of the client certificate lacks clientAuth');
  }
  const identity = readIdentity(leaf, rule.identity);
  return identity.ok
    ? { kind: 'accepted', account: identity.account }
    : refused('noIdentity', identity.detail);
}

function refused(reason: ClientCertificateRefusal, detail: string): ClientCertificateVerdict {
  return { kind: 'refused', reason, detail };
}

function readChain(chainDer: Buffer[]): X509Certificate[] {
  try {
    return chainDer.slice(0, longestChain).map((der) => new X509Certificate(der));
  } catch {
    return [];
  }
}

function explainWeak(certificate: X509Certificate): string | undefined {
  try {
    return explainWeakKey(certificate.publicKey);
  } catch {
    return 'key of an unknown kind; RSA or EC is needed';
  }
}
