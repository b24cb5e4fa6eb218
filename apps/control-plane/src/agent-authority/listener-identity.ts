import { certificatePem, issueCertificate, newKeys, privateKeyPem } from '@culvert/certificates/issue.ts';
import type { AgentAuthority } from './authority.ts';

/** What the listener of agents shows. */
export interface ListenerIdentity {
  /** PEM, leaf first. */
  cert: string;
  key: string;
  /** When the next one is due: at two thirds of its life. */
  renewAt: Date;
}

const listenerDays = 90;
/** For agents on the same host, whatever name the others use. */
const loopback = ['localhost', '127.0.0.1', '::1'];

/** A certificate of the agent authority for the host of the listener's address. The key stays in this process. */
export async function issueListenerIdentity(
  authority: AgentAuthority,
  url: string,
  now: Date,
): Promise<ListenerIdentity> {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  const { publicKey, privateKey } = await newKeys();
  const certificate = await issueCertificate(
    authority,
    {
      commonName: host,
      publicKey,
      alternativeNames: [...new Set([host, ...loopback])],
      purpose: 'server',
      days: listenerDays,
    },
    now,
  );
  return {
    cert: `${certificatePem(certificate)}${authority.pem}`,
    key: privateKeyPem(privateKey),
    renewAt: new Date(now.getTime() + (listenerDays * 86_400_000 * 2) / 3),
  };
}
