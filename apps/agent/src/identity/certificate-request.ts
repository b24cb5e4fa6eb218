import { createPrivateKey, type webcrypto } from 'node:crypto';
import { newKeys, pem, privateKeyPem } from '@culvert/certificates/issue.ts';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';

/** A key that was made on this server, and the request for a certificate for it. */
export interface RequestedIdentity {
  /** PKCS#8, PEM. It stays on this server. */
  privateKey: string;
  /** PKCS#10 (RFC 2986), PEM. */
  certificateRequest: string;
}

/** Makes a P-256 key and a request that proves its possession. */
export async function requestIdentity(commonName: string): Promise<RequestedIdentity> {
  const keys = await newKeys();
  return {
    privateKey: privateKeyPem(keys.privateKey),
    certificateRequest: await certificateRequest(commonName, keys.privateKey, keys.publicKey),
  };
}

async function certificateRequest(
  commonName: string,
  privateKey: webcrypto.CryptoKey,
  publicKey: webcrypto.CryptoKey,
): Promise<string> {
  const request = new pkijs.CertificationRequest({ version: 0 });
  request.subject.typesAndValues.push(
    new pkijs.AttributeTypeAndValue({
      type: '2.5.4.3',
      // The authority gives the name; 64 is the upper bound of RFC 5280 all the same.
      value: new asn1js.Utf8String({ value: commonName.slice(0, 64) }),
    }),
  );
  await request.subjectPublicKeyInfo.importKey(publicKey);
  await request.sign(privateKey, 'SHA-256');
  return pem('CERTIFICATE REQUEST', Buffer.from(request.toSchema().toBER(false)));
}

/** True for a key of the kind that this agent makes. */
export function isUsableKey(text: string): boolean {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPrivateKey(text);
    return asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1';
  } catch {
    return false;
  }
}
