import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { generalNamesOf, uriOf } from './addresses.ts';
import { type CertificateList, readCertificateList } from './certificate-list.ts';
import { isSignedBy } from './signature.ts';
import {
  explainTimes,
  type Pair,
  type RevocationReason,
  revocationReason,
  untold,
  type Verdict,
} from './verdict.ts';

const oid = {
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  reason: '2.5.29.21',
  deltaIndicator: '2.5.29.27',
  issuingDistributionPoint: '2.5.29.28',
};

/** Bit 6 of KeyUsage, RFC 5280 §4.2.1.3. */
const crlSign = 0x02;

/**
 * Judges a CRL that was fetched from `address` (RFC 5280 §6.3.3): complete, of the issuer of the certificate and signed by
 * it, valid at `now`, and for certificates of this kind. Indirect and delta CRLs are refused.
 * Never throws: any bytes that are no such list are `untold`.
 */
export function judgeCrl(
  der: Uint8Array,
  pair: Pair,
  { address, now }: { address: string; now: Date },
): Verdict {
  try {
    const list = readCertificateList(der);
    const problem = explainList(list, pair, address, now);
    return problem === undefined ? lookUp(list, pair) : untold(problem);
  } catch {
    return untold('the answer is no certificate revocation list');
  }
}

function explainList(
  list: CertificateList,
  { certificate, issuer }: Pair,
  address: string,
  now: Date,
): string | undefined {
  const subject = pkijs.Certificate.fromBER(certificate.raw);
  if (!list.issuer.isEqual(subject.issuer)) return 'the list is of another authority';
  if (!maySignLists(issuer.raw)) return 'the authority may not sign such lists';
  if (!isSignedBy(issuer.publicKey, list.signatureAlgorithm, list.signed, list.signature)) {
    return 'the signature of the list is not that of the authority';
  }
  if (list.nextUpdate === undefined) return 'the list does not say until when it is valid';
  return (
    explainTimes(list.thisUpdate, list.nextUpdate, now) ??
    explainExtensions(list.extensions, subject, address)
  );
}

function explainExtensions(
  extensions: pkijs.Extension[],
  subject: pkijs.Certificate,
  address: string,
): string | undefined {
  if (extensions.some(({ extnID }) => extnID === oid.deltaIndicator)) {
    return 'the list holds only changes to another one';
  }
  const foreign = extensions.find(
    ({ critical, extnID }) => critical && extnID !== oid.issuingDistributionPoint,
  );
  if (foreign !== undefined)
    return `the list has the critical extension ${foreign.extnID}, which is not known`;
  const scope = extensions.find(({ extnID }) => extnID === oid.issuingDistributionPoint);
  if (scope === undefined) return undefined;
  const { parsedValue } = scope;
  if (!(parsedValue instanceof pkijs.IssuingDistributionPoint)) return 'the scope of the list cannot be read';
  return explainScope(parsedValue, subject, address);
}

/** RFC 5280 §5.2.5 and §6.3.3 (b)(2). */
function explainScope(
  scope: pkijs.IssuingDistributionPoint,
  subject: pkijs.Certificate,
  address: string,
): string | undefined {
  if (scope.indirectCRL) return 'the list is an indirect one';
  if (scope.onlySomeReasons !== undefined) return 'the list covers only some reasons';
  const isAuthority = isCertificateAuthority(subject);
  const isForOthers =
    scope.onlyContainsAttributeCerts ||
    (scope.onlyContainsUserCerts && isAuthority) ||
    (scope.onlyContainsCACerts && !isAuthority);
  if (isForOthers) return 'the list is for other kinds of certificates';
  if (scope.distributionPoint === undefined) return undefined;
  const isThisPoint = generalNamesOf(scope.distributionPoint).some((name) => uriOf(name) === address);
  return isThisPoint ? undefined : 'the list is for certificates with another address';
}

function lookUp(list: CertificateList, { certificate }: Pair): Verdict {
  const serial = Buffer.from(pkijs.Certificate.fromBER(certificate.raw).serialNumber.valueBlock.valueHexView);
  const validUntil = list.nextUpdate ?? new Date(0);
  let verdict: Verdict = { status: 'good', validUntil };
  for (const entry of list.entries()) {
    // Critical ones tell for example that the entry is of another issuer (RFC 5280 §5.3.3): then nothing here can be believed.
    if (entry.mayHaveCritical && hasForeignCritical(entry.extensions())) {
      return untold('an entry of the list has a critical extension that is not known');
    }
    if (serial.equals(entry.serial)) {
      const [at, reason] = [entry.revokedAt(), reasonOf(entry.extensions())];
      verdict = { status: 'revoked', at, reason, validUntil };
    }
  }
  return verdict;
}

function hasForeignCritical(extensions: pkijs.Extension[]): boolean {
  return extensions.some(({ critical, extnID }) => critical && extnID !== oid.reason);
}

function reasonOf(extensions: pkijs.Extension[]): RevocationReason | undefined {
  const value: unknown = extensions.find(({ extnID }) => extnID === oid.reason)?.parsedValue;
  return value instanceof asn1js.Enumerated ? revocationReason(value.valueBlock.valueDec) : undefined;
}

function maySignLists(issuer: Uint8Array): boolean {
  const usage: unknown = pkijs.Certificate.fromBER(issuer).extensions?.find(
    ({ extnID }) => extnID === oid.keyUsage,
  )?.parsedValue;
  if (usage === undefined) return true;
  return usage instanceof asn1js.BitString && ((usage.valueBlock.valueHexView[0] ?? 0) & crlSign) !== 0;
}

function isCertificateAuthority({ extensions = [] }: pkijs.Certificate): boolean {
  const value: unknown = extensions.find(({ extnID }) => extnID === oid.basicConstraints)?.parsedValue;
  return value instanceof pkijs.BasicConstraints && value.cA;
}
