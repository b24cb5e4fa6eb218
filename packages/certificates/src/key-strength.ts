import type { KeyObject } from 'node:crypto';
import type { LocalizedText } from './rules/violation.ts';

/** NIST SP 800-57: 112 bits of security, the least that is still acceptable; the original product asks the same. */
export const minimumRsaBits = 2048;

// OpenSSL's names of the curves that TLS clients share; all are P-256 or better.
const allowedCurves: Record<string, string> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

/** Why a public or private key is too weak or of a kind that TLS clients cannot use; undefined when it is good. */
export function weaknessOf(key: KeyObject): LocalizedText | undefined {
  const details = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa' || key.asymmetricKeyType === 'rsa-pss') {
    const bits = details.modulusLength ?? 0;
    if (bits >= minimumRsaBits) return undefined;
    return {
      en: `RSA key of ${bits} bits; at least ${minimumRsaBits} are needed`,
      ja: `RSA 鍵の長さが ${bits} ビットです (${minimumRsaBits} ビット以上が必要です)`,
    };
  }
  if (key.asymmetricKeyType === 'ec') {
    const curve = details.namedCurve ?? 'an unnamed curve';
    if (Object.hasOwn(allowedCurves, curve)) return undefined;
    return {
      en: `EC key on ${curve}; P-256, P-384 or P-521 is needed`,
      ja: `EC 鍵の曲線が ${details.namedCurve ?? '不明'} です (P-256、P-384、P-521 のいずれかが必要です)`,
    };
  }
  const kind = key.asymmetricKeyType;
  return {
    en: `key of kind ${kind ?? 'unknown'}; RSA or EC is needed`,
    ja: `鍵の種類が ${kind ?? '不明'} です (RSA または EC が必要です)`,
  };
}

/** The same in English. */
export function explainWeakKey(key: KeyObject): string | undefined {
  return weaknessOf(key)?.en;
}

/** Short name of a good key for people: `RSA 2048`, `EC P-256`. */
export function describeKey(key: KeyObject): string {
  const details = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ec') {
    return `EC ${allowedCurves[details.namedCurve ?? ''] ?? details.namedCurve}`;
  }
  return `${key.asymmetricKeyType?.toUpperCase()} ${details.modulusLength ?? ''}`.trim();
}
