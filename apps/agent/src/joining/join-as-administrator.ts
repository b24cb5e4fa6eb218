import { agentListenerSchema } from '@culvert/contracts';
import { proxyFor } from '@culvert/control-plane-client/proxy.ts';
import { type ShowCode, signIn } from '@culvert/control-plane-client/sign-in.ts';
import { listSites, type Site } from '@culvert/control-plane-client/sites.ts';
import { type Fetch, webFetch } from '@culvert/control-plane-client/web.ts';
import type { Membership } from '../identity/identity.ts';
import { enrol } from './enrol.ts';
import type { JoinSurroundings } from './join-with-token.ts';

export interface AdministratorJoin {
  /** Address of the control plane for people, such as `https://control.example.com`. */
  controlPlane: string;
  /** PEM of the authority of that address; public authorities when there is none. */
  authority: string | undefined;
  siteId: string | undefined;
  /** Of a server that joins again. */
  serverId: string | undefined;
  /** Of an administrator who has signed in elsewhere already. */
  accessToken?: string;
}

/** No site was named; these are there. */
export class NoSiteNamed extends Error {
  override readonly name = 'NoSiteNamed';
  readonly sites: readonly Site[];

  constructor(sites: readonly Site[]) {
    super('name the site that this server is to join with --site ID');
    this.sites = sites;
  }
}

/** Joins on the word of an administrator who signs in. Rejects with NoSiteNamed or an error in words. */
export async function joinAsAdministrator(
  { controlPlane, authority, siteId, serverId, accessToken: given }: AdministratorJoin,
  show: ShowCode,
  { store, proxy: setting, environment }: JoinSurroundings,
): Promise<Membership> {
  const publicUrl = controlPlane.replace(/\/+$/, '');
  const fetch = webFetch(authority, proxyFor(new URL(publicUrl), setting, environment));
  const listener = await findListener(publicUrl, fetch);
  const accessToken = given ?? (await signIn(publicUrl, fetch, show));
  if (siteId === undefined && serverId === undefined)
    throw new NoSiteNamed(await listSites(publicUrl, fetch, accessToken));
  const right = serverId === undefined ? { accessToken, siteId: siteId ?? '' } : { accessToken, serverId };
  return enrol(store, listener, right, proxyFor(new URL(listener.url), setting, environment));
}

async function findListener(publicUrl: string, fetch: Fetch) {
  const response = await fetch(`${publicUrl}/api/v1/agentListener`);
  const listener = agentListenerSchema.safeParse(await response.json().catch(() => undefined));
  if (response.ok && listener.success) return listener.data;
  throw new Error(
    `${publicUrl} does not say where agents connect (status ${response.status}): is it the address of the control plane?`,
  );
}
