import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readPem } from './pem.ts';

/** Certificates and key as they were found in files, before any rule was checked. */
export interface CertificateBundle {
  certificates: X509Certificate[];
  privateKey: KeyObject;
  /** Of a PFX file with encryption that OpenSSL 3 reads only with `-legacy`. */
  isOldPfx?: true;
}

/** `message` is the English one; both complete "FILE …". */
export type Outcome<Value> =
  | { ok: true; value: Value }
  | { ok: false; message: string; messageInJapanese: string };

/** The outcome for a file that cannot be used. */
export function unusable(message: string, messageInJapanese: string) {
  return { ok: false, message, messageInJapanese } as const;
}

/** The certificates of a PEM text in the order of the file. */
export function readCertificates(text: string): Outcome<X509Certificate[]> {
  const blocks = readPem(text).filter(({ label }) => /^(X509 |TRUSTED )?CERTIFICATE$/.test(label));
  if (blocks.length === 0) {
    return unusable(
      'holds no certificate; expected PEM text with -----BEGIN CERTIFICATE-----',
      '証明書が含まれていません。-----BEGIN CERTIFICATE----- で始まる PEM 形式のテキストが必要です',
    );
  }
  const certificates: X509Certificate[] = [];
  for (const [index, { text: pem }] of blocks.entries()) {
    try {
      certificates.push(new X509Certificate(pem));
    } catch {
      return unusable(
        `certificate ${index + 1} of ${blocks.length} cannot be read: it is damaged`,
        `${blocks.length} 個のうち ${index + 1} 個目の証明書が破損しているため、読み取れません`,
      );
    }
  }
  return { ok: true, value: certificates };
}

/** The private key of a PEM text: PKCS#8, PKCS#1 or SEC1, not encrypted. */
export function readPrivateKey(text: string): Outcome<KeyObject> {
  const keys = readPem(text).filter(({ label }) => label.endsWith('PRIVATE KEY'));
  const [key] = keys;
  if (key === undefined) {
    return unusable(
      'holds no private key; expected PEM text with -----BEGIN PRIVATE KEY-----',
      '秘密鍵が含まれていません。-----BEGIN PRIVATE KEY----- で始まる PEM 形式のテキストが必要です',
    );
  }
  if (keys.length > 1)
    return unusable(
      `holds ${keys.length} private keys; exactly one is allowed`,
      `秘密鍵が ${keys.length} 個含まれています。1 個だけにしてください`,
    );
  if (key.encrypted) {
    return unusable(
      'the private key is encrypted; the gateway must start without a person: decrypt it with "openssl pkey -in FILE -out FILE.plain" and keep it readable by the gateway alone',
      '秘密鍵が暗号化されています。ゲートウェイは無人で起動する必要があるため、"openssl pkey -in FILE -out FILE.plain" で復号し、ゲートウェイだけが読み取れるようにしてください',
    );
  }
  try {
    return { ok: true, value: createPrivateKey(key.text) };
  } catch {
    return unusable(
      'the private key cannot be read: it is damaged or of an unknown kind',
      '秘密鍵が破損しているか、未対応の種類のため、読み取れません',
    );
  }
}

/** PKCS#8 DER of a key. */
export function privateKeyDer(key: KeyObject): Buffer {
  return key.export({ type: 'pkcs8', format: 'der' });
}
