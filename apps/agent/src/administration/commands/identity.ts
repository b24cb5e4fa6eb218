import { ControlPlane } from '@culvert/control-plane-client/control-plane.ts';
import { proxyFor } from '@culvert/control-plane-client/proxy.ts';
import type { HostPaths } from '../../host-paths.ts';
import type { Identity } from '../../identity/identity.ts';
import { IdentityStore } from '../../identity/identity-store.ts';
import { readSettings } from '../../settings.ts';

/** Does something at the control plane as the server that this host has joined as. Throws when it has not joined. */
export async function asServer<Result>(
  { agentDirectory, settingsFile }: HostPaths,
  environment: NodeJS.ProcessEnv,
  work: (controlPlane: ControlPlane, identity: Identity, store: IdentityStore) => Promise<Result>,
): Promise<Result> {
  const store = new IdentityStore(agentDirectory);
  const stored = await store.load();
  if (stored.kind === 'damaged') throw new Error(stored.message);
  if (stored.kind === 'none')
    throw new Error('this server has not joined a control plane: run "agent join" first');
  const { identity } = stored;
  const { url, authority } = identity.membership;
  const proxy = proxyFor(new URL(url), (await readSettings(settingsFile)).proxy, environment);
  const controlPlane = new ControlPlane({
    url,
    authority,
    credentials: identity.credentials,
    ...(proxy === undefined ? {} : { proxy }),
  });
  try {
    return await work(controlPlane, identity, store);
  } finally {
    await controlPlane.close();
  }
}
