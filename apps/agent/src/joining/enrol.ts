import { X509Certificate } from 'node:crypto';
import { hostname } from 'node:os';
import type { Enrolment } from '@culvert/contracts';
import { ControlPlane } from '@culvert/control-plane-client/control-plane.ts';
import type { HttpProxy } from '@culvert/control-plane-client/proxy.ts';
import { requestIdentity } from '../identity/certificate-request.ts';
import { explainUnusable, type Membership } from '../identity/identity.ts';
import type { IdentityStore } from '../identity/identity-store.ts';

/** What gives a server the right to join, and as which. */
export type Right =
  | { joinToken: string }
  | { accessToken: string; siteId: string }
  | { accessToken: string; serverId: string };

export interface Listener {
  url: string;
  /** PEM. */
  authority: string;
}

/** Makes a key, asks for a certificate with the right that there is, and keeps both. Rejects with Unreachable or Refused. */
export async function enrol(
  store: IdentityStore,
  { url, authority }: Listener,
  right: Right,
  proxy: HttpProxy | undefined,
): Promise<Membership> {
  const hostName = hostname();
  const { privateKey, certificateRequest } = await requestIdentity(hostName);
  const controlPlane = new ControlPlane({ url, authority, ...(proxy === undefined ? {} : { proxy }) });
  try {
    const { accessToken, ...named } = { accessToken: undefined, ...right };
    const enrolment: Enrolment = {
      certificateRequest,
      hostName,
      deploymentMode: 'standaloneRootful',
      ...named,
    };
    const { certificate, ...answer } = await controlPlane.enrol(enrolment, accessToken);
    const complaint = explainUnusable({ privateKey, certificate }, authority);
    if (complaint !== undefined) throw new Error(complaint);
    const membership = { ...answer, url, authority: new X509Certificate(authority).toString() };
    await store.join({ membership, credentials: { privateKey, certificate } });
    return membership;
  } finally {
    await controlPlane.close();
  }
}
