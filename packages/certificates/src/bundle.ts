import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readPem } from './pem.ts';

/** Certificates and key as they were found in files, before any rule was checked. */
export interface CertificateBundle {
  certificates: X509Certificate[];
  privateKey: KeyObject;
}

export type Outcome<Value> = { ok: true; value: Value } | { ok: false; message: string };

/** The certificates of a PEM text in the order of the file. */
export function readCertificates(text: string): Outcome<X509Certificate[]> {
  const blocks = readPem(text).filter(({ label }) => /^(X509 |TRUSTED )?CERTIFICATE$/.test(label));
  if (blocks.length === 0) {
    return { ok: false, message: 'holds no certificate; expected PEM text with -----BEGIN CERTIFICATE-----' };
  }
  const certificates: X509Certificate[] = [];
  for (const [index, { text: pem }] of blocks.entries()) {
    try {
      certificates.push(new X509Certificate(pem));
    } catch {
      return {
        ok: false,
        message: `certificate ${index + 1} of ${blocks.length} cannot be read: it is damaged`,
      };
    }
  }
  return { ok: true, value: certificates };
}

/** The private key of a PEM text: PKCS#8, PKCS#1 or SEC1, not encrypted. */
export function readPrivateKey(text: string): Outcome<KeyObject> {
  const keys = readPem(text).filter(({ label }) => label.endsWith('PRIVATE KEY'));
  const [key] = keys;
  if (key === undefined) {
    return { ok: false, message: 'holds no private key; expected PEM text with -----BEGIN PRIVATE KEY-----' };
  }
  if (keys.length > 1)
    return { ok: false, message: `holds ${keys.length} private keys; exactly one is allowed` };
  if (key.encrypted) {
    return {
      ok: false,
      message:
        'the private key is encrypted; the gateway must start without a person: decrypt it with "openssl pkey -in FILE -out FILE.plain" and keep it readable by the gateway alone',
    };
  }
  try {
    return { ok: true, value: createPrivateKey(key.text) };
  } catch {
    return { ok: false, message: 'the private key cannot be read: it is damaged or of an unknown kind' };
  }
}

/** PKCS#8 DER of a key. */
export function privateKeyDer(key: KeyObject): Buffer {
  return key.export({ type: 'pkcs8', format: 'der' });
}
