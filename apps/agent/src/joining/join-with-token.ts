import { parseJoinToken } from '@culvert/contracts';
import { type HttpProxy, proxyFor, withoutBrackets } from '@culvert/control-plane-client/proxy.ts';
import { fetchAuthority } from '@culvert/control-plane-client/trust.ts';
import type { Membership } from '../identity/identity.ts';
import type { IdentityStore } from '../identity/identity-store.ts';
import { enrol } from './enrol.ts';

export interface JoinSurroundings {
  store: IdentityStore;
  /** Of the settings of this host. */
  proxy: HttpProxy | undefined;
  environment: NodeJS.ProcessEnv;
}

/** Joins with a token, which says where to and whom to trust there. Rejects with an error in words. */
export async function joinWithToken(
  text: string,
  { store, proxy: setting, environment }: JoinSurroundings,
): Promise<Membership> {
  const token = parseJoinToken(text);
  if (token === undefined) {
    throw new Error(
      'this is no join token, or a part of it is missing: copy all of it, from "culvert-join-" to its end',
    );
  }
  const url = new URL(token.url);
  const proxy = proxyFor(url, setting, environment);
  const place = { host: withoutBrackets(url.hostname), port: Number(url.port || 443) };
  const authority = await fetchAuthority(place, proxy, token.fingerprint);
  return enrol(store, { url: token.url, authority }, { joinToken: token.secret }, proxy);
}
