import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  fetchUserInfo,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';
import { z } from 'zod';
import type { Account } from '../accounts/account.ts';
import { attempt, type From, type Proof } from '../accounts/attempt.ts';
import { accountOfUpstream, type UpstreamUser } from '../accounts/upstream.ts';
import type { Context } from '../context.ts';
import type { SecretBox } from '../secrets/secret-box.ts';
import { type Claims, isIncomplete, userOfClaims } from './claims.ts';
import { discover } from './discover.ts';
import { findProvider, type IdentityProvider } from './provider.ts';
import { refusalOfError, type UpstreamRefusal } from './refusal.ts';

type Refused = { ok: false; refusal: UpstreamRefusal };

/** Milliseconds for the way to the provider and back, with its password and second factor in between. */
const lifetime = 10 * 60_000;
const purpose = 'sign-in through an identity provider';

/** What must be remembered until the answer comes; sealed, so that any replica can take the answer. */
const stateSchema = z.object({
  providerId: z.string(),
  state: z.string(),
  nonce: z.string(),
  codeVerifier: z.string(),
  redirectUri: z.string(),
  expiresAt: z.number(),
});

type State = z.output<typeof stateSchema>;

/**
 * Where to send the browser, and the state to keep for it: in a cookie or a form of this browser only, because whoever has
 * it can finish the sign-in.
 */
export async function beginUpstream(
  { database, secrets, now }: Context,
  { id }: Pick<IdentityProvider, 'id'>,
  redirectUri: string,
  ask: typeof discover = discover,
): Promise<{ ok: true; url: URL; sealedState: string } | Refused> {
  const provider = await findProvider(database.tables, secrets, id);
  if (provider === undefined || !provider.isEnabled) return disabledProvider;
  const discovered = await ask(provider);
  if (!discovered.ok) return discovered;
  const state: State = {
    providerId: id,
    state: randomState(),
    nonce: randomNonce(),
    codeVerifier: randomPKCECodeVerifier(),
    redirectUri,
    expiresAt: now().getTime() + lifetime,
  };
  const url = buildAuthorizationUrl(discovered.configuration, {
    redirect_uri: redirectUri,
    scope: provider.scopes.join(' '),
    state: state.state,
    nonce: state.nonce,
    code_challenge: await calculatePKCECodeChallenge(state.codeVerifier),
    code_challenge_method: 'S256',
  });
  return { ok: true, url, sealedState: secrets.seal(JSON.stringify(state), purpose) };
}

/**
 * Takes the answer that the browser brought back. `callbackUrl` is the redirect address with the query as it came. The
 * caller completes the sign-in with `completeSignIn`. Answers that are refused are counted against the address.
 */
export async function finishUpstream(
  context: Context,
  sealedState: string,
  callbackUrl: URL,
  from: From,
): Promise<{ ok: true; account: Account } | Refused> {
  const state = openState(context, sealedState);
  const provider = state && (await findProvider(context.database.tables, context.secrets, state.providerId));
  if (state === undefined) return expiredState;
  if (provider === undefined || !provider.isEnabled) return disabledProvider;
  let outcome: { ok: true; account: Account } | Refused = expiredState;
  const prove = async (): Promise<Proof> => {
    outcome = await accountOfAnswer(context, provider, state, callbackUrl, from);
    if (outcome.ok) return 'right';
    // A provider that is away is nobody's failure here.
    return outcome.refusal.kind === 'unreachable' ? 'busy' : { refusal: outcome.refusal.message };
  };
  const name = `through ${provider.displayName}`;
  const result = await attempt(context, name, from, prove, { countsAgainst: 'address' });
  if (result.kind !== 'throttled') return outcome;
  const message = `too many failed attempts; try again in ${result.retryAfter} seconds`;
  return { ok: false, refusal: { kind: 'throttled', message } };
}

async function accountOfAnswer(
  context: Context,
  provider: IdentityProvider,
  state: State,
  callbackUrl: URL,
  from: From,
): Promise<{ ok: true; account: Account } | Refused> {
  const user = await userOfAnswer(provider, state, callbackUrl);
  if (!user.ok) return user;
  const account = await accountOfUpstream(context, user.user, from);
  if (account !== 'disabled') return { ok: true, account };
  const message = `the account ${user.user.userName} is disabled; ask an administrator`;
  return { ok: false, refusal: { kind: 'disabled', message } };
}

async function userOfAnswer(
  provider: IdentityProvider,
  state: State,
  callbackUrl: URL,
): Promise<{ ok: true; user: UpstreamUser } | Refused> {
  if (`${callbackUrl.origin}${callbackUrl.pathname}` !== state.redirectUri) {
    const message = 'the answer came back to another address than it was asked for; begin again';
    return { ok: false, refusal: { kind: 'notForUs', message } };
  }
  const discovered = await discover(provider);
  if (!discovered.ok) return discovered;
  try {
    return userOfClaims(await claimsOf(discovered.configuration, provider, state, callbackUrl), provider);
  } catch (error) {
    return { ok: false, refusal: refusalOfError(error) };
  }
}

/** The claims of the ID token; those that it lacks from the userinfo endpoint. */
async function claimsOf(
  configuration: Configuration,
  provider: IdentityProvider,
  { state, nonce, codeVerifier }: State,
  callbackUrl: URL,
): Promise<Claims> {
  const tokens = await authorizationCodeGrant(configuration, callbackUrl, {
    expectedState: state,
    expectedNonce: nonce,
    pkceCodeVerifier: codeVerifier,
    idTokenExpected: true,
  });
  const claims = tokens.claims();
  if (claims === undefined) throw new Error('the library let an answer without ID token through');
  const hasMore = configuration.serverMetadata().userinfo_endpoint !== undefined;
  if (!hasMore || !isIncomplete(claims, provider)) return claims;
  // OpenID Connect Core §5.3.4: the library compares the subjects. What was signed comes first.
  return { ...(await fetchUserInfo(configuration, tokens.access_token, claims.sub)), ...claims };
}

/** Undefined when the state was changed, is of another secrets key, or too old. */
function openState({ secrets, now }: Context, sealed: string): State | undefined {
  const text = tryOpen(secrets, sealed);
  const state = text === undefined ? undefined : stateSchema.parse(JSON.parse(text));
  return state === undefined || state.expiresAt <= now().getTime() ? undefined : state;
}

function tryOpen(secrets: SecretBox, sealed: string): string | undefined {
  try {
    return secrets.open(sealed, purpose);
  } catch {
    // It came from a browser, so a text that does not open is an answer, not a fault.
    return undefined;
  }
}

const disabledProvider: Refused = {
  ok: false,
  refusal: { kind: 'disabled', message: 'this way to sign in is switched off; use another one' },
};
const expiredState: Refused = {
  ok: false,
  refusal: { kind: 'expired', message: 'this sign-in took too long or was begun elsewhere; begin again' },
};
