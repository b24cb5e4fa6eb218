import { createPublicKey, type webcrypto } from 'node:crypto';
import { explainWeakKey } from '@culvert/certificates/key-strength.ts';
import * as pkijs from 'pkijs';

/** The key of a certificate request whose holder has proved to have it, or why there is none. */
export type RequestedKey = { ok: true; publicKey: webcrypto.CryptoKey } | { ok: false; message: string };

const expected = 'expected a PKCS#10 certificate request in PEM';

/** Reads a request (RFC 2986) and checks its signature. Whatever name it asks for is passed over. */
export async function readCertificateRequest(text: string): Promise<RequestedKey> {
  const body = /-----BEGIN CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE REQUEST-----/.exec(
    text,
  )?.[1];
  if (body === undefined) return { ok: false, message: expected };
  try {
    const request = pkijs.CertificationRequest.fromBER(Buffer.from(body, 'base64'));
    const key = createPublicKey({
      key: Buffer.from(request.subjectPublicKeyInfo.toSchema().toBER(false)),
      format: 'der',
      type: 'spki',
    });
    const weak = explainWeakKey(key);
    if (weak !== undefined) return { ok: false, message: weak };
    if (!(await request.verify()))
      return { ok: false, message: 'the signature is not of the key in the request' };
    return { ok: true, publicKey: await request.getPublicKey() };
  } catch {
    // Whatever is wrong with bytes that a stranger sent, there is one thing to say.
    return { ok: false, message: expected };
  }
}
