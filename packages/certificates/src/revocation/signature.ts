import { constants, type KeyObject, type VerifyKeyObjectInput, verify } from 'node:crypto';
import * as pkijs from 'pkijs';

const rsaPss = '1.2.840.113549.1.1.10';

/** Signature algorithms with a digest that is still good enough, and the type of key each needs (RFC 4055, RFC 5758, RFC 8410). */
const algorithms: Record<string, { digest: string | null; key: string }> = {
  '1.2.840.113549.1.1.11': { digest: 'sha256', key: 'rsa' },
  '1.2.840.113549.1.1.12': { digest: 'sha384', key: 'rsa' },
  '1.2.840.113549.1.1.13': { digest: 'sha512', key: 'rsa' },
  '1.2.840.10045.4.3.2': { digest: 'sha256', key: 'ec' },
  '1.2.840.10045.4.3.3': { digest: 'sha384', key: 'ec' },
  '1.2.840.10045.4.3.4': { digest: 'sha512', key: 'ec' },
  '1.3.101.112': { digest: null, key: 'ed25519' },
  '1.3.101.113': { digest: null, key: 'ed448' },
};

const pssDigests: Record<string, string> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** True when `key` has signed `content`. SHA-1, MD5 and unknown algorithms count as not signed. */
export function isSignedBy(
  key: KeyObject,
  algorithm: pkijs.AlgorithmIdentifier,
  content: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    if (algorithm.algorithmId === rsaPss) {
      const pss = pssOptions(key, algorithm);
      return pss !== undefined && verify(pss.digest, content, pss.key, signature);
    }
    const known = algorithms[algorithm.algorithmId];
    if (known === undefined || known.key !== key.asymmetricKeyType) return false;
    return verify(known.digest, content, key, signature);
  } catch {
    // Parameters of a stranger that make no sense are no signature.
    return false;
  }
}

function pssOptions(
  key: KeyObject,
  algorithm: pkijs.AlgorithmIdentifier,
): { digest: string; key: VerifyKeyObjectInput } | undefined {
  const parameters = new pkijs.RSASSAPSSParams({ schema: algorithm.algorithmParams });
  const digest = pssDigests[parameters.hashAlgorithm.algorithmId];
  if (digest === undefined || !['rsa', 'rsa-pss'].includes(key.asymmetricKeyType ?? '')) return undefined;
  const { saltLength } = parameters;
  return { digest, key: { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength } };
}
