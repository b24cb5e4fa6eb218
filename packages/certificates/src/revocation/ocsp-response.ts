import { X509Certificate } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { issued } from '../chain.ts';
import { explainWeakKey } from '../key-strength.ts';
import { nameOf } from '../rules/subject.ts';
import { names, nonceExtension, publicKeyHash } from './ocsp-request.ts';
import { isSignedBy } from './signature.ts';
import { explainTimes, type Pair, revocationReason, untold, type Verdict } from './verdict.ts';

const basicResponse = '1.3.6.1.5.5.7.48.1.1';
const ocspSigning = '1.3.6.1.5.5.7.3.9';

/** OCSPResponseStatus other than successful (RFC 6960 §4.2.1). */
const refusals: Record<number, string> = {
  1: 'the responder says that it cannot read the request',
  2: 'the responder says that it has an internal error',
  3: 'the responder says that it is to be asked later',
  5: 'the responder wants signed requests',
  6: 'the responder does not answer for this authority',
};

/** An answer without `nextUpdate` that does not repeat the nonce may be a recording; older than this it counts as one. */
const longestAgeMilliseconds = 60 * 60_000;

/** How many certificates of a responder are looked at; real ones send at most a few. */
const mostCertificates = 10;

/**
 * Judges an answer to `ocspRequest` (RFC 6960 §3.2): for this certificate, of a responder of its issuer, signed, valid at
 * `now`, and with the nonce when it repeats one. Many public responders do not, because they sign in advance.
 * Never throws: any bytes that are no such answer are `untold`.
 */
export function judgeOcspResponse(
  der: Uint8Array,
  pair: Pair,
  { nonce, now }: { nonce: Uint8Array; now: Date },
): Verdict {
  try {
    const response = pkijs.OCSPResponse.fromBER(der);
    const status = response.responseStatus.valueBlock.valueDec;
    if (status !== 0) return untold(refusals[status] ?? `the responder answers with status ${status}`);
    if (response.responseBytes?.responseType !== basicResponse)
      return untold('the answer is of an unknown kind');
    const basic = pkijs.BasicOCSPResponse.fromBER(response.responseBytes.response.valueBlock.valueHexView);
    return judge(basic, pair, nonce, now);
  } catch {
    return untold('the answer is no OCSP response');
  }
}

function judge(basic: pkijs.BasicOCSPResponse, pair: Pair, nonce: Uint8Array, now: Date): Verdict {
  const { tbsResponseData: data } = basic;
  const responder = findResponder(basic, pair.issuer, now);
  if (typeof responder === 'string') return untold(responder);
  const signature = basic.signature.valueBlock.valueHexView;
  if (!isSignedBy(responder.publicKey, basic.signatureAlgorithm, data.tbsView, signature)) {
    return untold(`the signature of the answer is not that of ${nameOf(responder)}`);
  }
  const hasNonce = repeatsNonce(data.responseExtensions ?? [], nonce);
  if (hasNonce === false) return untold('the answer is to another request');
  if (hasForeignExtension(data.responseExtensions ?? [], [nonceExtension])) {
    return untold('the answer has a critical extension that is not known');
  }
  const mine = data.responses.filter(({ certID }) => names(pair, certID));
  // Where a responder says two things, the worse one counts.
  const single = mine.find(({ certStatus }) => tagOf(certStatus) === 1) ?? mine[0];
  if (single === undefined) return untold('the answer is for another certificate');
  if (hasForeignExtension(single.singleExtensions ?? [], [])) {
    return untold('the answer has a critical extension that is not known');
  }
  const { thisUpdate, nextUpdate } = single;
  const problem = explainTimes(thisUpdate, nextUpdate, now);
  if (problem !== undefined) return untold(problem);
  const age = now.getTime() - thisUpdate.getTime();
  if (nextUpdate === undefined && hasNonce !== true && age > longestAgeMilliseconds) {
    return untold(`it is of ${thisUpdate.toISOString()} and names no end`);
  }
  return verdictOf(single, nextUpdate ?? now);
}

function verdictOf({ certStatus }: pkijs.SingleResponse, validUntil: Date): Verdict {
  const tag = tagOf(certStatus);
  if (tag === 0) return { status: 'good', validUntil };
  if (tag === 1 && certStatus instanceof asn1js.Constructed) {
    const [time, reason] = certStatus.valueBlock.value;
    if (!(time instanceof asn1js.GeneralizedTime)) return untold('the answer is no OCSP response');
    const [number] = reason instanceof asn1js.Constructed ? reason.valueBlock.value : [];
    const code = number instanceof asn1js.Enumerated ? number.valueBlock.valueDec : undefined;
    return { status: 'revoked', at: time.toDate(), reason: revocationReason(code), validUntil };
  }
  return untold('the responder does not know the certificate');
}

function tagOf(certStatus: unknown): number | undefined {
  return certStatus instanceof asn1js.BaseBlock ? certStatus.idBlock.tagNumber : undefined;
}

/**
 * The issuer itself, or a certificate in the answer that the issuer has made for this (RFC 6960 §4.2.2.2). Whether that one
 * has been revoked is not asked, as with the extension id-pkix-ocsp-nocheck: it would be asked of itself.
 */
function findResponder(
  { tbsResponseData, certs = [] }: pkijs.BasicOCSPResponse,
  issuer: X509Certificate,
  now: Date,
): X509Certificate | string {
  const candidates = [
    issuer,
    ...certs.slice(0, mostCertificates).map((certificate) => {
      return new X509Certificate(Buffer.from(certificate.toSchema().toBER()));
    }),
  ];
  const responder = candidates.find((candidate) => isNamed(candidate, tbsResponseData.responderID));
  if (responder === undefined) return 'the answer does not say by whom it is signed';
  if (responder.raw.equals(issuer.raw)) return issuer;
  const name = nameOf(responder);
  if (!issued(issuer, responder)) return `${name} may not answer for ${nameOf(issuer)}`;
  if (!((responder.keyUsage as string[] | undefined) ?? []).includes(ocspSigning)) {
    return `the certificate ${name} is not made for signing OCSP answers`;
  }
  if (now < responder.validFromDate || now > responder.validToDate) {
    return `the certificate ${name} of the responder is not valid at this time`;
  }
  const weakness = explainWeakKey(responder.publicKey);
  return weakness === undefined ? responder : `the responder ${name} has an ${weakness}`;
}

function isNamed(candidate: X509Certificate, responder: unknown): boolean {
  if (responder instanceof pkijs.RelativeDistinguishedNames) {
    return pkijs.Certificate.fromBER(candidate.raw).subject.isEqual(responder);
  }
  return (
    responder instanceof asn1js.OctetString &&
    publicKeyHash(candidate).equals(responder.valueBlock.valueHexView)
  );
}

/** Undefined when the answer has no nonce at all. */
function repeatsNonce(extensions: pkijs.Extension[], nonce: Uint8Array): boolean | undefined {
  const extension = extensions.find(({ extnID }) => extnID === nonceExtension);
  if (extension === undefined) return undefined;
  const value = asn1js.fromBER(extension.extnValue.valueBlock.valueHexView).result;
  return value instanceof asn1js.OctetString && Buffer.from(nonce).equals(value.valueBlock.valueHexView);
}

function hasForeignExtension(extensions: pkijs.Extension[], known: string[]): boolean {
  return extensions.some(({ critical, extnID }) => critical && !known.includes(extnID));
}
