import { createHash, KeyObject, webcrypto, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import * as asn1js from 'asn1js';
import ipaddr from 'ipaddr.js';
import * as pkijs from 'pkijs';
import { readCertificates, readPrivateKey } from './bundle.ts';
import { assessSiteCertificate } from './site-certificate.ts';
import { renewalWarningDays } from './site-rules.ts';

/** Files of a certificate that the gateway made for itself. */
export interface OwnCertificate {
  certificateFile: string;
  privateKeyFile: string;
  /** Certificate of the authority, to install on devices. */
  authorityFile: string;
  /** SHA-256 of the authority's certificate, `AB:CD:…`, to compare on the device. */
  authorityFingerprint: string;
}

const dayMilliseconds = 86_400_000;
const authorityDays = 3650;
/** Below every limit of every platform (398 days). */
const siteDays = 397;
const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };

/**
 * A certificate for `publicAddress` from a small authority of our own, for a first start without any.
 * What is in the directory is used again as long as it fits; the authority stays, so devices trust the next one too.
 */
export async function ensureOwnCertificate(
  directory: string,
  publicAddress: string,
  now: Date,
): Promise<OwnCertificate> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const files = {
    certificateFile: join(directory, 'site.crt'),
    privateKeyFile: join(directory, 'site.key'),
    authorityFile: join(directory, 'authority.crt'),
  };
  const authority = await ensureAuthority(files.authorityFile, join(directory, 'authority.key'), now);
  if (!(await isStillGood(files, authority.certificate, publicAddress, now))) {
    const site = await issueSite(authority, publicAddress, now);
    await writeWhole(files.privateKeyFile, pem('PRIVATE KEY', await exportKey(site.keys)), 0o600);
    const chain = [certificatePem(site.certificate), certificatePem(authority.certificate)].join('');
    await writeWhole(files.certificateFile, chain, 0o644);
  }
  return { ...files, authorityFingerprint: new X509Certificate(der(authority.certificate)).fingerprint256 };
}

interface Issued {
  certificate: pkijs.Certificate;
  keys: { privateKey: webcrypto.CryptoKey };
}

async function ensureAuthority(certificateFile: string, keyFile: string, now: Date): Promise<Issued> {
  const [certificateText, keyText] = await Promise.all([readIfThere(certificateFile), readIfThere(keyFile)]);
  if (certificateText !== undefined && keyText !== undefined) {
    const certificates = readCertificates(certificateText);
    const key = readPrivateKey(keyText);
    const certificate = certificates.ok ? certificates.value[0] : undefined;
    if (
      certificate !== undefined &&
      key.ok &&
      certificate.checkPrivateKey(key.value) &&
      daysLeft(certificate, now) > siteDays
    ) {
      const privateKey = key.value.toCryptoKey(algorithm, true, ['sign']);
      return { certificate: pkijs.Certificate.fromBER(certificate.raw), keys: { privateKey } };
    }
  }
  const authority = await issueAuthority(now);
  await writeWhole(keyFile, pem('PRIVATE KEY', await exportKey(authority.keys)), 0o600);
  await writeWhole(certificateFile, certificatePem(authority.certificate), 0o644);
  return authority;
}

async function isStillGood(
  files: { certificateFile: string; privateKeyFile: string },
  authority: pkijs.Certificate,
  publicAddress: string,
  now: Date,
): Promise<boolean> {
  const [certificateText, keyText] = await Promise.all([
    readIfThere(files.certificateFile),
    readIfThere(files.privateKeyFile),
  ]);
  if (certificateText === undefined || keyText === undefined) return false;
  const certificates = readCertificates(certificateText);
  const key = readPrivateKey(keyText);
  if (!certificates.ok || !key.ok) return false;
  const leaf = certificates.value[0];
  if (leaf === undefined || !leaf.verify(new X509Certificate(der(authority)).publicKey)) return false;
  const result = assessSiteCertificate(
    { certificates: certificates.value, privateKey: key.value },
    publicAddress,
    now,
  );
  return result.problems.length === 0 && daysLeft(leaf, now) > renewalWarningDays;
}

async function issueAuthority(now: Date): Promise<Issued> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  // The number keeps two gateways' authorities apart in a device's list.
  const serial = Buffer.from(randomSerial()).toString('hex').slice(0, 6);
  const subject = `Culvert gateway authority ${serial}`;
  const certificate = draft(subject, subject, now, authorityDays);
  certificate.extensions = [
    extension('2.5.29.19', true, new pkijs.BasicConstraints({ cA: true, pathLenConstraint: 0 }).toSchema()),
    // keyCertSign and cRLSign.
    extension(
      '2.5.29.15',
      true,
      new asn1js.BitString({ valueHex: new Uint8Array([0x06]).buffer, unusedBits: 1 }),
    ),
  ];
  await finish(certificate, keys.publicKey, { certificate, keys });
  return { certificate, keys };
}

async function issueSite(authority: Issued, publicAddress: string, now: Date): Promise<Issued> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = draft(publicAddress.slice(0, 64), '', now, siteDays);
  certificate.issuer = authority.certificate.subject;
  certificate.extensions = [
    extension('2.5.29.19', true, new pkijs.BasicConstraints({ cA: false }).toSchema()),
    // digitalSignature.
    extension(
      '2.5.29.15',
      true,
      new asn1js.BitString({ valueHex: new Uint8Array([0x80]).buffer, unusedBits: 7 }),
    ),
    extension('2.5.29.37', false, new pkijs.ExtKeyUsage({ keyPurposes: ['1.3.6.1.5.5.7.3.1'] }).toSchema()),
    extension('2.5.29.17', false, new pkijs.GeneralNames({ names: [siteName(publicAddress)] }).toSchema()),
  ];
  await finish(certificate, keys.publicKey, authority);
  return { certificate, keys };
}

function siteName(publicAddress: string): pkijs.GeneralName {
  if (isIP(publicAddress) === 0) return new pkijs.GeneralName({ type: 2, value: publicAddress });
  const bytes = new Uint8Array(ipaddr.parse(publicAddress).toByteArray());
  return new pkijs.GeneralName({ type: 7, value: new asn1js.OctetString({ valueHex: bytes.buffer }) });
}

function draft(subject: string, issuer: string, now: Date, days: number): pkijs.Certificate {
  const certificate = new pkijs.Certificate({ version: 2 });
  certificate.serialNumber = new asn1js.Integer({ valueHex: randomSerial().buffer });
  certificate.subject = commonName(subject);
  certificate.issuer = commonName(issuer);
  // An hour back, for devices whose clock is behind.
  certificate.notBefore.value = new Date(now.getTime() - 3_600_000);
  certificate.notAfter.value = new Date(now.getTime() + days * dayMilliseconds - 3_600_000);
  return certificate;
}

function commonName(value: string): pkijs.RelativeDistinguishedNames {
  return new pkijs.RelativeDistinguishedNames({
    typesAndValues: [
      new pkijs.AttributeTypeAndValue({ type: '2.5.4.3', value: new asn1js.Utf8String({ value }) }),
    ],
  });
}

/** 16 random bytes; the first is made positive and not zero (RFC 5280 §4.1.2.2). */
function randomSerial(): Uint8Array<ArrayBuffer> {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

function extension(extnID: string, critical: boolean, value: asn1js.BaseBlock): pkijs.Extension {
  return new pkijs.Extension({ extnID, critical, extnValue: value.toBER(false) });
}

async function finish(
  certificate: pkijs.Certificate,
  publicKey: webcrypto.CryptoKey,
  issuer: Issued,
): Promise<void> {
  await certificate.subjectPublicKeyInfo.importKey(publicKey);
  const authorityIdentifier = new pkijs.AuthorityKeyIdentifier({
    keyIdentifier: keyIdentifier(issuer.certificate),
  });
  certificate.extensions?.push(
    extension('2.5.29.14', false, keyIdentifier(certificate)),
    extension('2.5.29.35', false, authorityIdentifier.toSchema()),
  );
  await certificate.sign(issuer.keys.privateKey, 'SHA-256');
}

/** RFC 7093 §2, method 1: the left-most 160 bits of the SHA-256 of the public key. */
function keyIdentifier(certificate: pkijs.Certificate): asn1js.OctetString {
  const key = Buffer.from(certificate.subjectPublicKeyInfo.subjectPublicKey.valueBlock.valueHexView);
  return new asn1js.OctetString({
    valueHex: new Uint8Array(createHash('sha256').update(key).digest().subarray(0, 20)).buffer,
  });
}

async function exportKey({ privateKey }: Issued['keys']): Promise<Buffer> {
  return KeyObject.from(privateKey).export({ type: 'pkcs8', format: 'der' });
}

function der(certificate: pkijs.Certificate): Buffer {
  return Buffer.from(certificate.toSchema(true).toBER(false));
}

function certificatePem(certificate: pkijs.Certificate): string {
  return pem('CERTIFICATE', der(certificate));
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').replace(/(.{64})(?=.)/g, '$1\n');
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

function daysLeft(certificate: X509Certificate, now: Date): number {
  return (certificate.validToDate.getTime() - now.getTime()) / dayMilliseconds;
}

async function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

async function writeWhole(file: string, text: string, mode: number): Promise<void> {
  const temporary = `${file}.new`;
  await writeFile(temporary, text, { mode });
  await rename(temporary, file);
}
