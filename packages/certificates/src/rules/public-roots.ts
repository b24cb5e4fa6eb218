import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { issued } from '../chain.ts';

/** True when the chain ends at a root that browsers trust, whether the root itself was given or not. */
export function isPublic(chain: readonly X509Certificate[]): boolean {
  const last = chain.at(-1);
  if (last === undefined) return false;
  return rootCertificates.some((pem) => {
    const root = new X509Certificate(pem);
    return root.raw.equals(last.raw) || issued(root, last);
  });
}
