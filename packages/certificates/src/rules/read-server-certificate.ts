import { type KeyObject, X509Certificate } from 'node:crypto';
import { type Outcome, readCertificates, readPrivateKey, unusable } from '../bundle.ts';
import { readPem } from '../pem.ts';
import { readPfx } from '../pfx.ts';

/** What was found in the file of a certificate, before any rule was checked. */
export interface ReadCertificate {
  form: 'pem' | 'pfx';
  certificates: X509Certificate[];
  /** Absent when neither the file nor one of its own held it. */
  privateKey?: KeyObject;
  isOldPfx?: true;
}

/**
 * Reads the certificate of a server from the bytes of its file: PEM with the key in it, in a file of its own (`keyText`) or nowhere, or
 * PFX with its password.
 */
export async function readServerCertificate(
  bytes: Buffer,
  { keyText, password = '' }: { keyText?: string; password?: string } = {},
): Promise<Outcome<ReadCertificate>> {
  const text = bytes.toString('latin1');
  if (text.includes('-----BEGIN ')) return readPemCertificate(text, keyText);
  if (isDerCertificate(bytes)) {
    return unusable(
      'is a certificate in DER form; turn it into PEM with "openssl x509 -inform der -in FILE -out site.crt"',
      'DER 形式の証明書です。"openssl x509 -inform der -in FILE -out site.crt" で PEM 形式に変換してください',
    );
  }
  if (bytes[0] !== 0x30) {
    return unusable(
      'is neither PEM text nor a PFX file',
      'PEM 形式のテキストでも PFX ファイルでもありません',
    );
  }
  const read = await readPfx(bytes, password);
  return read.ok ? { ok: true, value: { form: 'pfx', ...read.value } } : read;
}

function readPemCertificate(text: string, keyText: string | undefined): Outcome<ReadCertificate> {
  const certificates = readCertificates(text);
  if (!certificates.ok) return certificates;
  const found = { form: 'pem', certificates: certificates.value } as const;
  const hasKey = readPem(text).some(({ label }) => label.endsWith('PRIVATE KEY'));
  if (keyText === undefined && !hasKey) return { ok: true, value: found };
  const privateKey = readPrivateKey(keyText ?? text);
  return privateKey.ok ? { ok: true, value: { ...found, privateKey: privateKey.value } } : privateKey;
}

function isDerCertificate(bytes: Buffer): boolean {
  try {
    return new X509Certificate(bytes).raw.length > 0;
  } catch {
    return false;
  }
}
