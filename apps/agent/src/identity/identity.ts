import { createPrivateKey, X509Certificate } from 'node:crypto';
import { z } from 'zod';

/** `agent.json`: as which server this host has joined, and where. */
export const membershipSchema = z.strictObject({
  serverId: z.string().min(1).max(100),
  siteId: z.string().min(1).max(100),
  displayName: z.string(),
  /** Of the listener of agents. */
  url: z.url({ protocol: /^https$/ }),
  /** PEM of the one authority that is trusted there. */
  authority: z.string().refine(isCertificate),
});
export type Membership = z.output<typeof membershipSchema>;

/** What a server shows to its control plane. */
export interface Credentials {
  /** PKCS#8, PEM. */
  privateKey: string;
  /** PEM, the agent's own first. */
  certificate: string;
}

export interface Identity {
  membership: Membership;
  credentials: Credentials;
}

/** The certificate of credentials; its first one when there are several. */
export function certificateOf({ certificate }: Pick<Credentials, 'certificate'>): X509Certificate {
  return new X509Certificate(certificate);
}

/** Why a certificate that was received cannot be used; undefined when it can. */
export function explainUnusable(
  { privateKey, certificate }: Credentials,
  authority: string,
): string | undefined {
  if (!isCertificate(certificate)) return 'what the control plane sent as a certificate is none';
  const own = certificateOf({ certificate });
  if (!own.checkPrivateKey(createPrivateKey(privateKey)))
    return 'the control plane sent a certificate for another key';
  const issuer = new X509Certificate(authority);
  if (!own.checkIssued(issuer) || !own.verify(issuer.publicKey))
    return 'the control plane sent a certificate of another authority than its own';
  return undefined;
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text) !== undefined;
  } catch {
    return false;
  }
}
