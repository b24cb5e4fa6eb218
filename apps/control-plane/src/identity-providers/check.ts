import { z } from 'zod';
import { discover } from './discover.ts';
import { isInsecure } from './issuer.ts';
import type { IdentityProvider } from './provider.ts';
import { refusalOfError, timeout } from './refusal.ts';

/** What a try at a provider has shown. */
export const checkSchema = z.object({
  isWorking: z.boolean(),
  /** One line each: what was found, or what is wrong and what to do. */
  findings: z.array(z.object({ kind: z.enum(['good', 'warning', 'problem']), message: z.string() })),
});

export type ProviderCheck = z.output<typeof checkSchema>;

const keySetSchema = z.object({
  keys: z.array(z.object({ kty: z.string(), use: z.string().optional(), alg: z.string().optional() })),
});

/** Asks a provider for what a sign-in needs. Whether it takes the client id and secret only a sign-in shows. */
export async function checkProvider(provider: IdentityProvider): Promise<ProviderCheck> {
  const discovered = await discover(provider);
  if (!discovered.ok)
    return { isWorking: false, findings: [{ kind: 'problem', message: discovered.refusal.message }] };
  const metadata = discovered.configuration.serverMetadata();
  const keys = await checkKeys(String(metadata.jwks_uri), isInsecure(provider.issuer));
  const findings: ProviderCheck['findings'] = [
    { kind: 'good', message: `the provider answers as ${metadata.issuer}` },
    { kind: 'good', message: `people sign in at ${metadata.authorization_endpoint}` },
    keys,
    ...(metadata.supportsPKCE('S256')
      ? []
      : [warning('the provider does not say that it supports PKCE with S256; it is used all the same')]),
    ...unsupportedScopes(provider.scopes, metadata.scopes_supported),
  ];
  return { isWorking: keys.kind === 'good', findings };
}

async function checkKeys(address: string, allowsHttp: boolean): Promise<ProviderCheck['findings'][number]> {
  if (!allowsHttp && !address.startsWith('https:'))
    return { kind: 'problem', message: 'the keys of the provider have an address without https' };
  try {
    const answer = await fetch(address, {
      headers: { accept: 'application/json' },
      redirect: 'manual',
      signal: AbortSignal.timeout(timeout * 1_000),
    });
    const parsed = answer.ok ? keySetSchema.safeParse(await answer.json()) : undefined;
    const keys = (parsed?.data?.keys ?? []).filter(({ kty, use }) => kty !== 'oct' && use !== 'enc');
    return keys.length === 0
      ? { kind: 'problem', message: `no public keys were found at ${address} (status ${answer.status})` }
      : {
          kind: 'good',
          message: `${keys.length} public ${keys.length === 1 ? 'key' : 'keys'} to check answers`,
        };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof DOMException)
      return { kind: 'problem', message: `no public keys were found at ${address}` };
    return { kind: 'problem', message: refusalOfError(error).message };
  }
}

function unsupportedScopes(scopes: readonly string[], supported: readonly string[] | undefined) {
  // Providers need not list every scope (OpenID Connect Discovery §3), so this is a doubt only.
  const unknown = supported === undefined ? [] : scopes.filter((scope) => !supported.includes(scope));
  return unknown.map((scope) => warning(`the provider does not list the scope "${scope}"`));
}

function warning(message: string) {
  return { kind: 'warning', message } as const;
}
