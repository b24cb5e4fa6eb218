import {
  certificatePem,
  issueCertificate,
  makeAuthority,
  newKeys,
  privateKeyPem,
} from '@culvert/certificates/issue.ts';

/** A certificate of an authority that nobody knows, and its key; PEM. */
export async function throwAwayCertificate(
  purpose: 'server' | 'client',
  names: readonly string[] = ['readiness-check.invalid'],
  now = new Date(),
): Promise<{ cert: string; key: string }> {
  const authority = await makeAuthority('Readiness check', 1, now);
  const { publicKey, privateKey } = await newKeys();
  const wish = { commonName: 'readiness check', publicKey, alternativeNames: names, purpose, days: 1 };
  const certificate = await issueCertificate(authority, wish, now);
  return { cert: certificatePem(certificate), key: privateKeyPem(privateKey) };
}
