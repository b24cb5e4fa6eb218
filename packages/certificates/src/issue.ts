import { createHash, KeyObject, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as asn1js from 'asn1js';
import ipaddr from 'ipaddr.js';
import * as pkijs from 'pkijs';

const dayMilliseconds = 86_400_000;
/** A little back, for hosts whose clock is behind. */
const clockMilliseconds = 3_600_000;

/** Keys of every authority and certificate that we make: ECDSA with P-256. */
export const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' };

/** An authority that can sign. */
export interface Authority {
  certificate: pkijs.Certificate;
  privateKey: webcrypto.CryptoKey;
}

/** What a certificate is to say of its holder. */
export interface CertificateWish {
  /** Common name, at most 64 characters (RFC 5280 upper bound). */
  commonName: string;
  publicKey: webcrypto.CryptoKey;
  /** DNS names, addresses and URIs. */
  alternativeNames: readonly string[];
  purpose: 'server' | 'client';
  days: number;
}

const purposes = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' };

export async function newKeys(): Promise<{
  privateKey: webcrypto.CryptoKey;
  publicKey: webcrypto.CryptoKey;
}> {
  return webcrypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
}

/** A root that may sign certificates of servers and clients, and no other authority. */
export async function makeAuthority(name: string, days: number, now: Date): Promise<Authority> {
  const keys = await newKeys();
  // The number keeps two authorities apart in a list.
  const serial = Buffer.from(randomSerial()).toString('hex').slice(0, 6);
  const subject = `${name} ${serial}`;
  const certificate = draft(subject, now, days);
  certificate.issuer = commonName(subject);
  certificate.extensions = [
    extension('2.5.29.19', true, new pkijs.BasicConstraints({ cA: true, pathLenConstraint: 0 }).toSchema()),
    // keyCertSign and cRLSign.
    extension(
      '2.5.29.15',
      true,
      new asn1js.BitString({ valueHex: new Uint8Array([0x06]).buffer, unusedBits: 1 }),
    ),
  ];
  const authority = { certificate, privateKey: keys.privateKey };
  await finish(certificate, keys.publicKey, authority);
  return authority;
}

/** A certificate of the authority, for a holder whose key the authority never sees. */
export async function issueCertificate(
  authority: Authority,
  wish: CertificateWish,
  now: Date,
): Promise<pkijs.Certificate> {
  const certificate = draft(wish.commonName.slice(0, 64), now, wish.days);
  certificate.issuer = authority.certificate.subject;
  certificate.extensions = [
    extension('2.5.29.19', true, new pkijs.BasicConstraints({ cA: false }).toSchema()),
    // digitalSignature.
    extension(
      '2.5.29.15',
      true,
      new asn1js.BitString({ valueHex: new Uint8Array([0x80]).buffer, unusedBits: 7 }),
    ),
    extension(
      '2.5.29.37',
      false,
      new pkijs.ExtKeyUsage({ keyPurposes: [purposes[wish.purpose]] }).toSchema(),
    ),
    extension(
      '2.5.29.17',
      false,
      new pkijs.GeneralNames({ names: wish.alternativeNames.map(alternativeName) }).toSchema(),
    ),
  ];
  await finish(certificate, wish.publicKey, authority);
  return certificate;
}

function alternativeName(value: string): pkijs.GeneralName {
  if (value.includes('://') || value.startsWith('urn:')) return new pkijs.GeneralName({ type: 6, value });
  if (isIP(value) === 0) return new pkijs.GeneralName({ type: 2, value });
  const bytes = new Uint8Array(ipaddr.parse(value).toByteArray());
  return new pkijs.GeneralName({ type: 7, value: new asn1js.OctetString({ valueHex: bytes.buffer }) });
}

function draft(subject: string, now: Date, days: number): pkijs.Certificate {
  const certificate = new pkijs.Certificate({ version: 2 });
  certificate.serialNumber = new asn1js.Integer({ valueHex: randomSerial().buffer });
  certificate.subject = commonName(subject);
  certificate.notBefore.value = new Date(now.getTime() - clockMilliseconds);
  certificate.notAfter.value = new Date(now.getTime() + days * dayMilliseconds - clockMilliseconds);
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
  issuer: Authority,
): Promise<void> {
  await certificate.subjectPublicKeyInfo.importKey(publicKey);
  const authorityIdentifier = new pkijs.AuthorityKeyIdentifier({
    keyIdentifier: keyIdentifier(issuer.certificate),
  });
  certificate.extensions?.push(
    extension('2.5.29.14', false, keyIdentifier(certificate)),
    extension('2.5.29.35', false, authorityIdentifier.toSchema()),
  );
  await certificate.sign(issuer.privateKey, 'SHA-256');
}

/** RFC 7093 §2, method 1: the left-most 160 bits of the SHA-256 of the public key. */
function keyIdentifier(certificate: pkijs.Certificate): asn1js.OctetString {
  const key = Buffer.from(certificate.subjectPublicKeyInfo.subjectPublicKey.valueBlock.valueHexView);
  return new asn1js.OctetString({
    valueHex: new Uint8Array(createHash('sha256').update(key).digest().subarray(0, 20)).buffer,
  });
}

export function certificateDer(certificate: pkijs.Certificate): Buffer {
  return Buffer.from(certificate.toSchema(true).toBER(false));
}

export function certificatePem(certificate: pkijs.Certificate): string {
  return pem('CERTIFICATE', certificateDer(certificate));
}

/** PKCS#8, PEM. */
export function privateKeyPem(key: webcrypto.CryptoKey): string {
  return pem('PRIVATE KEY', KeyObject.from(key).export({ type: 'pkcs8', format: 'der' }));
}

export function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').replace(/(.{64})(?=.)/g, '$1\n');
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
