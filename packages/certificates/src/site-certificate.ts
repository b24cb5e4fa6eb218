import type { X509Certificate } from 'node:crypto';
import { type CertificateBundle, privateKeyDer } from './bundle.ts';
import { orderChain } from './chain.ts';
import { describeKey, explainWeakKey } from './key-strength.ts';
import { examineSiteCertificate, nameOf, subjectAlternativeNames } from './site-rules.ts';

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
  const ordered = orderChain(certificates, privateKey);
  if (ordered === undefined) {
    const given = certificates.map(nameOf).join('; ');
    const weakness = explainWeakKey(privateKey);
    return {
      problems: [
        `no certificate belongs to the private key; the file holds ${given}`,
        ...(weakness === undefined ? [] : [`the private key is an ${weakness}`]),
      ],
      warnings: [],
    };
  }
  const { problems, warnings } = examineSiteCertificate(ordered, publicAddress, now);
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

function summarise(leaf: X509Certificate, chainLength: number): CertificateSummary {
  return {
    subject: nameOf(leaf),
    issuer: leaf.issuer.split('\n').join(', '),
    names: subjectAlternativeNames(leaf),
    key: describeKey(leaf.publicKey),
    expiresAt: leaf.validToDate,
    chainLength,
    fingerprint: leaf.fingerprint256,
  };
}
