import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { isSelfSigned, issued } from '../chain.ts';
import { nameOf } from '../rules/subject.ts';
import { revocationAddresses } from './addresses.ts';
import { judgeCrl } from './crl.ts';
import { nonceBytes, ocspRequest } from './ocsp-request.ts';
import { judgeOcspResponse } from './ocsp-response.ts';
import type { Pair, Verdict } from './verdict.ts';

/** One request to an OCSP responder (POST) or for a CRL (GET, without a body). */
export interface RevocationRequest {
  url: string;
  body?: { type: string; content: Buffer };
  /** Bytes of an answer at most. */
  longestAnswer: number;
}

/** Asks over HTTP; rejects with an Error whose message completes "the address does not answer: …". */
export type Ask = (request: RevocationRequest) => Promise<Uint8Array>;

export interface CheckOptions {
  ask: Ask;
  now: () => Date;
  /** Random bytes for nonces. */
  random: (length: number) => Uint8Array;
}

/** What is known of a chain, with the sentence for the administrator. */
export type ChainRevocation =
  | { status: 'good' | 'revoked' | 'untold'; reason: string; validUntil: Date }
  /** The certificate of the site has no address to ask at. */
  | { status: 'noAddress'; reason: string };

const longestOcspAnswer = 64 * 1024;
/** The list of a large public authority; parsing that much takes about a second. */
const longestCrl = 4 * 1024 * 1024;

/**
 * Asks for every certificate of a chain below its root, leaf first, whether it has been revoked: by OCSP, and by CRL where
 * OCSP cannot tell. One that was revoked decides; without one, one that cannot be told; a good chain is good until the first
 * of its answers ends. Certificates of authorities that name no address are passed over, a leaf without one is `noAddress`.
 */
export async function checkChain(chain: X509Certificate[], options: CheckOptions): Promise<ChainRevocation> {
  const findings: { certificate: X509Certificate; finding: Finding }[] = [];
  for (const [index, certificate] of chain.entries()) {
    if (isSelfSigned(certificate) && index > 0) continue;
    const issuer = findIssuer(certificate, chain);
    findings.push({ certificate, finding: await checkOne(certificate, issuer, options) });
  }
  const revoked = findings.find(({ finding }) => finding.status === 'revoked');
  const untold = findings.find(({ finding }) => finding.status === 'untold');
  const decisive = revoked ?? (findings[0]?.finding.status === 'noAddress' ? findings[0] : untold);
  if (decisive !== undefined) {
    const { certificate, finding } = decisive;
    const reason = `${nameOf(certificate)} ${finding.reason}`;
    return finding.status === 'noAddress'
      ? { status: 'noAddress', reason }
      : { status: finding.status, reason, validUntil: finding.validUntil };
  }
  const ends = findings.flatMap(({ finding }) => (finding.status === 'good' ? [finding.validUntil] : []));
  const validUntil = new Date(Math.min(...ends.map((end) => end.getTime())));
  return { status: 'good', reason: 'not revoked', validUntil };
}

type Finding =
  | { status: 'good' | 'revoked' | 'untold'; reason: string; validUntil: Date }
  | { status: 'noAddress'; reason: string };

async function checkOne(
  certificate: X509Certificate,
  issuer: X509Certificate | undefined,
  options: CheckOptions,
): Promise<Finding> {
  const { ocsp, crl } = revocationAddresses(certificate);
  if (ocsp.length === 0 && crl.length === 0) {
    return { status: 'noAddress', reason: 'names no OCSP or CRL address' };
  }
  if (issuer === undefined) {
    const reason =
      'cannot be checked, because the certificate of its issuer is missing; put the whole chain into the file';
    return { status: 'untold', reason, validUntil: options.now() };
  }
  const pair = { certificate, issuer };
  const failures: string[] = [];
  for (const [url, ask] of [
    ...ocsp.map((url) => [url, askOcsp] as const),
    ...crl.map((url) => [url, askCrl] as const),
  ]) {
    const verdict = await ask(url, pair, options);
    if (verdict.status === 'untold') failures.push(`${url}: ${verdict.detail}`);
    else return { ...verdict, reason: describe(verdict, certificate) };
  }
  const reason = `cannot be checked for revocation: ${failures.join('; ')}`;
  return { status: 'untold', reason, validUntil: options.now() };
}

function describe(verdict: Exclude<Verdict, { status: 'untold' }>, certificate: X509Certificate): string {
  if (verdict.status === 'good') return 'is not revoked';
  const issuer = certificate.issuer.split('\n').join(', ');
  const why = verdict.reason === undefined ? '' : ` (${verdict.reason})`;
  return `was revoked by ${issuer} on ${verdict.at.toISOString()}${why}; get another certificate and put it in place`;
}

async function askOcsp(url: string, pair: Pair, { ask, now, random }: CheckOptions): Promise<Verdict> {
  const nonce = random(nonceBytes);
  const body = { type: 'application/ocsp-request', content: ocspRequest(pair, nonce) };
  return asked(ask({ url, body, longestAnswer: longestOcspAnswer }), (answer) =>
    judgeOcspResponse(answer, pair, { nonce, now: now() }),
  );
}

async function askCrl(url: string, pair: Pair, { ask, now }: CheckOptions): Promise<Verdict> {
  return asked(ask({ url, longestAnswer: longestCrl }), (answer) =>
    judgeCrl(answer, pair, { address: url, now: now() }),
  );
}

async function asked(answer: Promise<Uint8Array>, judge: (answer: Uint8Array) => Verdict): Promise<Verdict> {
  try {
    return judge(await answer);
  } catch (error) {
    return { status: 'untold', detail: error instanceof Error ? error.message : String(error) };
  }
}

function findIssuer(certificate: X509Certificate, chain: X509Certificate[]): X509Certificate | undefined {
  const given = chain.find((candidate) => issued(candidate, certificate));
  if (given !== undefined) return given;
  return rootCertificates.map((pem) => new X509Certificate(pem)).find((root) => issued(root, certificate));
}
