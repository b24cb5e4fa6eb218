import { createHash, type X509Certificate } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import type { Pair } from './verdict.ts';

export const nonceExtension = '1.3.6.1.5.5.7.48.1.2';
/** RFC 9654 §2.1. */
export const nonceBytes = 32;

const sha1 = '1.3.14.3.2.26';

/**
 * A request for the status of one certificate (RFC 6960 §4.1.1), DER. The nonce binds the answer to it.
 * SHA-1 only names the issuer here; it is the one algorithm that every responder knows (RFC 5019 §2.1.1).
 */
export function ocspRequest(pair: Pair, nonce: Uint8Array): Buffer {
  const { nameHash, keyHash, serial } = certificateIdentifier(pair);
  const request = new pkijs.OCSPRequest();
  request.tbsRequest.requestList = [
    new pkijs.Request({
      reqCert: new pkijs.CertID({
        hashAlgorithm: new pkijs.AlgorithmIdentifier({
          algorithmId: sha1,
          algorithmParams: new asn1js.Null(),
        }),
        issuerNameHash: new asn1js.OctetString({ valueHex: nameHash }),
        issuerKeyHash: new asn1js.OctetString({ valueHex: keyHash }),
        serialNumber: serial,
      }),
    }),
  ];
  request.tbsRequest.requestExtensions = [
    new pkijs.Extension({
      extnID: nonceExtension,
      extnValue: new asn1js.OctetString({ valueHex: nonce }).toBER(),
    }),
  ];
  return Buffer.from(request.toSchema(true).toBER());
}

/** True when a CertID of an answer is that of `ocspRequest` for the same pair. */
export function names(pair: Pair, { hashAlgorithm, ...id }: pkijs.CertID): boolean {
  const { nameHash, keyHash, serial } = certificateIdentifier(pair);
  return (
    hashAlgorithm.algorithmId === sha1 &&
    nameHash.equals(id.issuerNameHash.valueBlock.valueHexView) &&
    keyHash.equals(id.issuerKeyHash.valueBlock.valueHexView) &&
    Buffer.from(serial.valueBlock.valueHexView).equals(id.serialNumber.valueBlock.valueHexView)
  );
}

/** SHA-1 of the bits of a public key, by which a CertID and a ResponderID name it (RFC 6960 §4.2.1). */
export function publicKeyHash(certificate: X509Certificate): Buffer {
  const { subjectPublicKeyInfo } = pkijs.Certificate.fromBER(certificate.raw);
  return createHash('sha1').update(subjectPublicKeyInfo.subjectPublicKey.valueBlock.valueHexView).digest();
}

function certificateIdentifier({ certificate, issuer }: Pair) {
  const subject = pkijs.Certificate.fromBER(certificate.raw);
  return {
    // As the certificate itself spells the issuer: the same bytes as the responder hashes.
    nameHash: createHash('sha1').update(new Uint8Array(subject.issuer.toSchema().toBER())).digest(),
    keyHash: publicKeyHash(issuer),
    serial: subject.serialNumber,
  };
}
