import type { ControlPlane } from '@culvert/control-plane-client/control-plane.ts';
import { requestIdentity } from '../identity/certificate-request.ts';
import { type Credentials, explainUnusable, type Identity } from '../identity/identity.ts';
import type { IdentityStore } from '../identity/identity-store.ts';

/** A new key and a certificate for it, written beside those in use; they are promoted once they have worked. */
export async function renew(
  store: IdentityStore,
  controlPlane: Pick<ControlPlane, 'renew'>,
  { membership }: Identity,
): Promise<Credentials> {
  const { privateKey, certificateRequest } = await requestIdentity(membership.serverId);
  const credentials = { privateKey, certificate: await controlPlane.renew(certificateRequest) };
  const complaint = explainUnusable(credentials, membership.authority);
  if (complaint !== undefined) throw new Error(complaint);
  await store.stage(credentials);
  return credentials;
}
