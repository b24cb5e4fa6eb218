import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  discovery,
  enableNonRepudiationChecks,
  None,
} from 'openid-client';
import { isInsecure } from './issuer.ts';
import type { IdentityProvider } from './provider.ts';
import { refusalOfError, timeout, type UpstreamRefusal } from './refusal.ts';

export type Discovered = { ok: true; configuration: Configuration } | { ok: false; refusal: UpstreamRefusal };

/**
 * Asks a provider what it can do. This happens at the end of every sign-in: they are few, and keys or addresses that the
 * provider has changed are seen at once. `DiscoveryCache` is for the beginning.
 */
export async function discover({ issuer, clientId, clientSecret }: IdentityProvider): Promise<Discovered> {
  // The library leaves signatures of tokens that came over TLS unchecked by default; here they are always checked.
  const execute = [enableNonRepudiationChecks, ...(isInsecure(issuer) ? [allowInsecureRequests] : [])];
  try {
    const authentication = clientSecret === undefined ? None() : secretAuthentication(clientSecret);
    const options = { execute, timeout };
    const configuration = await discovery(new URL(issuer), clientId, {}, authentication, options);
    const problem = metadataProblem(configuration);
    return problem === undefined ? { ok: true, configuration } : { ok: false, refusal: problem };
  } catch (error) {
    return { ok: false, refusal: refusalOfError(error) };
  }
}

function metadataProblem(configuration: Configuration): UpstreamRefusal | undefined {
  const { issuer, authorization_endpoint, token_endpoint, jwks_uri } = configuration.serverMetadata();
  // Entra's addresses for all tenants at once would let accounts of any organisation in.
  if (/[{}]/.test(issuer)) {
    const message = 'this issuer stands for all organisations; put the identifier of your tenant into it';
    return { kind: 'wrongIssuer', message };
  }
  const missing = Object.entries({ authorization_endpoint, token_endpoint, jwks_uri })
    .filter(([, value]) => value === undefined)
    .map(([name]) => name);
  if (missing.length === 0) return undefined;
  return { kind: 'wrongIssuer', message: `the provider does not say its ${missing.join(', ')}` };
}

/** In the body where the provider takes it there: providers disagree how to encode a secret in the header. */
function secretAuthentication(secret: string): ClientAuth {
  return (server, client, body, headers) => {
    const methods = server.token_endpoint_auth_methods_supported;
    // OpenID Connect Discovery §3: without the list it is the header.
    const inBody = methods?.includes('client_secret_post') ?? false;
    const authentication = inBody ? ClientSecretPost(secret) : ClientSecretBasic(secret);
    return authentication(server, client, body, headers);
  };
}
