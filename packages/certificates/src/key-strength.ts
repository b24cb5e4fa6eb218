import type { KeyObject } from 'node:crypto';

/** NIST SP 800-57: 112 bits of security, the least that is still acceptable; the original product asks the same. */
export const minimumRsaBits = 2048;

// OpenSSL's names of the curves that TLS clients share; all are P-256 or better.
const allowedCurves: Record<string, string> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

/** Why a public or private key is too weak or of a kind that TLS clients cannot use; undefined when it is good. */
export function explainWeakKey(key: KeyObject): string | undefined {
  const details = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa' || key.asymmetricKeyType === 'rsa-pss') {
    const bits = details.modulusLength ?? 0;
    return bits >= minimumRsaBits
      ? undefined
      : `RSA key of ${bits} bits; at least ${minimumRsaBits} are needed`;
  }
  if (key.asymmetricKeyType === 'ec') {
    const curve = details.namedCurve ?? 'an unnamed curve';
    return Object.hasOwn(allowedCurves, curve)
      ? undefined
      : `EC key on ${curve}; P-256, P-384 or P-521 is needed`;
  }
  return `key of kind ${key.asymmetricKeyType ?? 'unknown'}; RSA or EC is needed`;
}

/** Short name of a good key for people: `RSA 2048`, `EC P-256`. */
export function describeKey(key: KeyObject): string {
  const details = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ec') {
    return `EC ${allowedCurves[details.namedCurve ?? ''] ?? details.namedCurve}`;
  }
  return `${key.asymmetricKeyType?.toUpperCase()} ${details.modulusLength ?? ''}`.trim();
}
