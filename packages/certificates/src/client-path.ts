import type { X509Certificate } from 'node:crypto';
import * as pkijs from 'pkijs';
import { issued } from './chain.ts';
import { explainWeakKey } from './key-strength.ts';

type PathResult =
  | { ok: true }
  | { ok: false; reason: 'weakKey' | 'expired' | 'unknownIssuer'; detail: string };

const oid = { basicConstraints: '2.5.29.19', keyUsage: '2.5.29.15' };

/**
 * Critical extensions that the search understands or whose meaning is checked elsewhere. RFC 5280 §4.2 tells
 * to refuse a certificate with any other; name constraints are left out on purpose, so such authorities are refused.
 */
const understoodExtensions = new Set([
  oid.basicConstraints,
  oid.keyUsage,
  '2.5.29.37',
  '2.5.29.17',
  '2.5.29.32',
]);

/**
 * Looks for a way from the leaf to a configured authority through the certificates that the device sent
 * (RFC 5280 §6.1 without policies and name constraints). The reason is that of the best failed way.
 */
export function findTrustedPath(
  leaf: X509Certificate,
  sent: X509Certificate[],
  authorities: X509Certificate[],
  now: Date,
): PathResult {
  const foreign = unknownCriticalExtension(leaf);
  if (foreign !== undefined) return foreign;
  return climb(leaf, sent, authorities, now, 0);
}

function climb(
  certificate: X509Certificate,
  sent: X509Certificate[],
  authorities: X509Certificate[],
  now: Date,
  intermediatesBelow: number,
): PathResult {
  if (/sha1|md5/i.test(certificate.signatureAlgorithm ?? '')) {
    return failed(
      'weakKey',
      `${oneLine(certificate.subject)} is signed with ${certificate.signatureAlgorithm}; SHA-256 or better is needed`,
    );
  }
  let failure: PathResult = failed(
    'unknownIssuer',
    `issued by ${oneLine(certificate.issuer)}, which is not among the configured authorities`,
  );
  for (const authority of authorities) {
    if (!issued(authority, certificate)) continue;
    const problem = explainIssuer(authority, intermediatesBelow, now);
    if (problem === undefined) return { ok: true };
    failure = problem;
  }
  for (const candidate of sent) {
    if (!issued(candidate, certificate)) continue;
    const rest = sent.filter((other) => other !== candidate);
    const result =
      explainIssuer(candidate, intermediatesBelow, now) ??
      climb(candidate, rest, authorities, now, intermediatesBelow + 1);
    if (result.ok) return result;
    failure = result;
  }
  return failure;
}

function explainIssuer(
  issuer: X509Certificate,
  intermediatesBelow: number,
  now: Date,
): PathResult | undefined {
  const name = oneLine(issuer.subject);
  const weakness = explainWeakKey(issuer.publicKey);
  if (weakness !== undefined) return failed('weakKey', `the authority ${name} has an ${weakness}`);
  if (now > issuer.validToDate || now < issuer.validFromDate) {
    return failed('expired', `the certificate of the authority ${name} is not valid at this time`);
  }
  const constraints = basicConstraints(issuer);
  if (!constraints.authority) return failed('unknownIssuer', `${name} is not a certification authority`);
  if (constraints.pathLength !== undefined && intermediatesBelow > constraints.pathLength) {
    return failed('unknownIssuer', `${name} may not have ${intermediatesBelow} authorities below it`);
  }
  return unknownCriticalExtension(issuer);
}

function basicConstraints(certificate: X509Certificate): { authority: boolean; pathLength?: number } {
  const extension = extensionsOf(certificate).find(({ extnID }) => extnID === oid.basicConstraints);
  const value = extension?.parsedValue;
  if (!(value instanceof pkijs.BasicConstraints) || !value.cA) return { authority: false };
  const { pathLenConstraint } = value;
  return typeof pathLenConstraint === 'number'
    ? { authority: true, pathLength: pathLenConstraint }
    : { authority: true };
}

function unknownCriticalExtension(certificate: X509Certificate): PathResult | undefined {
  const unknown = extensionsOf(certificate).find(
    ({ critical, extnID }) => critical && !understoodExtensions.has(extnID),
  );
  return unknown === undefined
    ? undefined
    : failed(
        'unknownIssuer',
        `${oneLine(certificate.subject)} has the critical extension ${unknown.extnID}, which is not supported`,
      );
}

function extensionsOf(certificate: X509Certificate): pkijs.Extension[] {
  return pkijs.Certificate.fromBER(certificate.raw).extensions ?? [];
}

function oneLine(name: string | undefined): string {
  return name === undefined || name === '' ? '(no name)' : name.split('\n').join(', ');
}

function failed(reason: 'weakKey' | 'expired' | 'unknownIssuer', detail: string): PathResult {
  return { ok: false, reason, detail };
}
