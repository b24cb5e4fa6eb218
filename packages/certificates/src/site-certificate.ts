import type { X509Certificate } from 'node:crypto';
import { type CertificateBundle, privateKeyDer } from './bundle.ts';
import { describeKey } from './key-strength.ts';
import { checkServerCertificate } from './rules/check-server-certificate.ts';
import { issuerOf, nameOf, subjectAlternativeNames } from './rules/subject.ts';
import { sentenceOf, type Violation } from './rules/violation.ts';

/** The site certificate as the engine takes it. */
export interface SiteCertificate {
  /** DER, leaf first. */
  certificates: Buffer[];
  /** PKCS#8 DER. */
  privateKey: Buffer;
}

/** What a person wants to know of a certificate. */
export interface CertificateSummary {
  subject: string;
  issuer: string;
  names: string[];
  key: string;
  expiresAt: Date;
  chainLength: number;
  /** SHA-256 of the leaf, as clients show it. */
  fingerprint: string;
}

export interface SiteCertificateResult {
  /** Absent when there are problems. */
  certificate?: SiteCertificate;
  summary?: CertificateSummary;
  problems: string[];
  warnings: string[];
}

/** Applies every rule for the certificate of the public address to what was read from the files. */
export function assessSiteCertificate(
  { certificates, privateKey }: CertificateBundle,
  publicAddress: string,
  now: Date,
): SiteCertificateResult {
  const { violations, ordered } = checkServerCertificate({ certificates, privateKey, publicAddress, now });
  const problems = violations.filter(keepsFromUse).map(sentenceOf);
  const warnings = violations
    .filter((violation) => violation.severity !== 'note' && !keepsFromUse(violation))
    .map(sentenceOf);
  if (ordered === undefined) return { problems, warnings };
  const [leaf] = ordered.chain;
  const summary = leaf === undefined ? {} : { summary: summarise(leaf, ordered.chain.length) };
  if (problems.length > 0) return { ...summary, problems, warnings };
  return {
    ...summary,
    certificate: { certificates: ordered.chain.map(({ raw }) => raw), privateKey: privateKeyDer(privateKey) },
    problems,
    warnings,
  };
}

/** How long a certificate is valid matters to some devices only: the gateway serves the others with it. */
function keepsFromUse({ rule, severity }: Violation): boolean {
  return severity === 'error' && rule !== 'validity';
}

function summarise(leaf: X509Certificate, chainLength: number): CertificateSummary {
  return {
    subject: nameOf(leaf),
    issuer: issuerOf(leaf),
    names: subjectAlternativeNames(leaf),
    key: describeKey(leaf.publicKey),
    expiresAt: leaf.validToDate,
    chainLength,
    fingerprint: leaf.fingerprint256,
  };
}
