import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { rootCertificates } from 'node:tls';
import { isSelfSigned, issued, type OrderedChain } from './chain.ts';
import { explainWeakKey } from './key-strength.ts';

/** Sentences about a site certificate: problems keep it from being used, warnings do not. */
export interface SiteCertificateFindings {
  problems: string[];
  warnings: string[];
}

/** iOS refuses certificates of private authorities that are valid for longer. */
export const longestPrivateValidityDays = 730;
/** iOS and the CA/Browser Forum limit for public authorities. */
export const longestPublicValidityDays = 398;
/** When the original product begins to warn. */
export const renewalWarningDays = 30;

const dayMilliseconds = 86_400_000;
const serverAuthentication = '1.3.6.1.5.5.7.3.1';

/** Checks what devices will check, so that the administrator hears it first. */
export function examineSiteCertificate(
  { chain, strangers }: OrderedChain,
  publicAddress: string,
  now: Date,
): SiteCertificateFindings {
  const findings: SiteCertificateFindings = { problems: [], warnings: [] };
  const [leaf] = chain;
  if (leaf === undefined) return findings;
  examineKeys(chain, findings);
  examineDates(chain, now, findings);
  examineNames(leaf, publicAddress, findings);
  examinePurpose(leaf, findings);
  examineCompleteness(chain, findings);
  for (const stranger of strangers) {
    findings.warnings.push(`${nameOf(stranger)} does not belong to the chain and is not sent`);
  }
  return findings;
}

/** The subject for people, on one line. */
export function nameOf(certificate: X509Certificate): string {
  const subject = certificate.subject ?? '';
  return subject === '' ? '(no subject)' : subject.split('\n').join(', ');
}

function examineKeys(chain: X509Certificate[], findings: SiteCertificateFindings): void {
  for (const certificate of chain) {
    const weakness = explainWeakKey(certificate.publicKey);
    if (weakness !== undefined) findings.problems.push(`${nameOf(certificate)}: ${weakness}`);
    // A root is trusted for what it is; nobody checks the signature it made over itself.
    if (!isSelfSigned(certificate) && /sha1|md5/i.test(certificate.signatureAlgorithm ?? '')) {
      findings.problems.push(
        `${nameOf(certificate)} is signed with ${certificate.signatureAlgorithm}, which devices refuse; SHA-256 or better is needed`,
      );
    }
  }
}

function examineDates(chain: X509Certificate[], now: Date, findings: SiteCertificateFindings): void {
  for (const certificate of chain) {
    const { validFromDate, validToDate } = certificate;
    if (now < validFromDate) {
      findings.problems.push(
        `${nameOf(certificate)} is not valid before ${validFromDate.toISOString()}; check the clock`,
      );
    }
    if (now > validToDate) {
      findings.problems.push(`${nameOf(certificate)} expired on ${validToDate.toISOString()}; renew it`);
      continue;
    }
    const daysLeft = Math.floor((validToDate.getTime() - now.getTime()) / dayMilliseconds);
    if (daysLeft < renewalWarningDays) {
      findings.warnings.push(
        `${nameOf(certificate)} expires in ${daysLeft} days, on ${validToDate.toISOString()}; renew it`,
      );
    }
  }
  const [leaf] = chain;
  if (leaf === undefined) return;
  const days = Math.round((leaf.validToDate.getTime() - leaf.validFromDate.getTime()) / dayMilliseconds);
  const isPublic = publicRootOf(chain) !== undefined;
  const limit = isPublic ? longestPublicValidityDays : longestPrivateValidityDays;
  if (days > limit) {
    findings.warnings.push(
      `valid for ${days} days; iOS accepts at most ${limit} from a ${isPublic ? 'public' : 'private'} authority`,
    );
  }
}

function examineNames(leaf: X509Certificate, publicAddress: string, findings: SiteCertificateFindings): void {
  const names = subjectAlternativeNames(leaf);
  for (const name of names) {
    if (name.includes('*') && !/^DNS:\*\.[^*]+$/.test(name)) {
      findings.warnings.push(
        `${name}: a wildcard counts only as the whole left-most label, such as *.example.com`,
      );
    }
  }
  const covered =
    isIP(publicAddress) === 0
      ? leaf.checkHost(publicAddress, { subject: 'never', partialWildcards: false }) !== undefined
      : leaf.checkIP(publicAddress) !== undefined;
  if (!covered) {
    findings.problems.push(
      `does not cover the public address ${publicAddress}; its subject alternative names are ${names.join(', ') || 'none'}`,
    );
  }
}

/** For example `DNS:vpn.example.com` and `IP Address:192.0.2.1`. */
export function subjectAlternativeNames(certificate: X509Certificate): string[] {
  return certificate.subjectAltName?.split(', ') ?? [];
}

function examinePurpose(leaf: X509Certificate, findings: SiteCertificateFindings): void {
  const purposes = leaf.keyUsage as string[] | undefined;
  if (purposes !== undefined && purposes.length > 0 && !purposes.includes(serverAuthentication)) {
    findings.problems.push('is not for servers: its extended key usage lacks serverAuth');
  }
}

function examineCompleteness(chain: X509Certificate[], findings: SiteCertificateFindings): void {
  const last = chain.at(-1);
  if (last === undefined || isSelfSigned(last) || publicRootOf(chain) !== undefined) return;
  const issuer = last.issuer.split('\n').join(', ');
  findings.warnings.push(
    `the chain is not complete: the certificate of ${issuer} is missing; put the whole chain into the file`,
  );
}

/** The public root that the chain ends at, whether the root itself was given or not. */
function publicRootOf(chain: X509Certificate[]): X509Certificate | undefined {
  const last = chain.at(-1);
  if (last === undefined) return undefined;
  for (const pem of rootCertificates) {
    const root = new X509Certificate(pem);
    if (root.raw.equals(last.raw) || issued(root, last)) return root;
  }
  return undefined;
}
