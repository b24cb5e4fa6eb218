import type { KeyObject, X509Certificate } from 'node:crypto';
import { createHash } from 'node:crypto';

export interface OrderedChain {
  /** Leaf first; each certificate was issued by the next. */
  chain: X509Certificate[];
  /** Certificates that were given but belong to no way from the leaf to a root. */
  strangers: X509Certificate[];
}

/** More certificates than any real chain has; it bounds the search among cross-signed ones. */
const longestChain = 10;

/** True when `issuer` signed `certificate`. */
export function issued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

export function isSelfSigned(certificate: X509Certificate): boolean {
  return issued(certificate, certificate);
}

/**
 * Puts certificates that came in any order into a chain. The leaf is the certificate of the private key;
 * undefined when there is none. Among cross-signed issuers the one that leads to a root wins.
 */
export function orderChain(certificates: X509Certificate[], privateKey: KeyObject): OrderedChain | undefined {
  const distinct = withoutDuplicates(certificates);
  const candidates = distinct.filter((certificate) => certificate.checkPrivateKey(privateKey));
  const leaf = candidates.sort((left, right) => right.validToDate.getTime() - left.validToDate.getTime())[0];
  return leaf === undefined ? undefined : orderChainFrom(leaf, distinct);
}

/** Puts certificates into a chain that begins with this one. */
export function orderChainFrom(leaf: X509Certificate, certificates: X509Certificate[]): OrderedChain {
  const distinct = withoutDuplicates([leaf, ...certificates]);
  const related = new Set<X509Certificate>([leaf]);
  const chain = bestPath([leaf], distinct, related);
  return { chain, strangers: distinct.filter((certificate) => !related.has(certificate)) };
}

function bestPath(
  path: X509Certificate[],
  pool: X509Certificate[],
  related: Set<X509Certificate>,
): X509Certificate[] {
  const last = path.at(-1);
  if (last === undefined || path.length >= longestChain || isSelfSigned(last)) return path;
  const issuers = pool.filter((candidate) => !path.includes(candidate) && issued(candidate, last));
  for (const issuer of issuers) related.add(issuer);
  const paths = issuers.map((issuer) => bestPath([...path, issuer], pool, related));
  return paths.reduce((best, candidate) => (quality(candidate) > quality(best) ? candidate : best), path);
}

/** Chains that end at a root come before others, then shorter ones with a root, longer ones without. */
function quality(path: X509Certificate[]): number {
  const last = path.at(-1);
  return last !== undefined && isSelfSigned(last) ? 1000 - path.length : path.length;
}

function withoutDuplicates(certificates: X509Certificate[]): X509Certificate[] {
  const seen = new Set<string>();
  return certificates.filter(({ raw }) => {
    const digest = createHash('sha256').update(raw).digest('hex');
    return seen.has(digest) ? false : seen.add(digest);
  });
}
