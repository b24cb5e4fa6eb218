import type { Configuration, interactionPolicy } from 'oidc-provider';
import { base, Check } from 'oidc-provider/lib/helpers/interaction_policy/index.js';
import { findAccount } from '../accounts/account.ts';
import type { Context } from '../context.ts';
import { artifactAdapter } from './adapter.ts';
import { adminCentre, clientsOf, scopes } from './clients.ts';
import { loadGrant } from './grants.ts';
import type { KeySet } from './keys.ts';
import { lifetimes, sessionLifetime, toolsGrant } from './lifetimes.ts';
import type { ProviderPages } from './provider-pages.ts';
import { mostUserAgent } from './request-size.ts';
import { cookieOptions, sessionCookie } from './session-cookie.ts';

/** Where the provider is mounted, below the public address. */
export const mountPath = '/openid';

/** Everything that the library is told; what is not needed is off. */
export function providerConfiguration(context: Context, keySet: KeySet, pages: ProviderPages): Configuration {
  const { configuration, secrets } = context;
  const { publicUrl } = configuration;
  return {
    adapter: artifactAdapter(context),
    clients: clientsOf(publicUrl),
    jwks: { keys: keySet.keys() },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'], userinfoSigningAlgValues: ['ES256'] },
    clientAuthMethods: ['none'],
    responseTypes: ['code'],
    scopes: [...scopes],
    claims: { openid: ['sub'], profile: ['name', 'preferred_username'] },
    discovery: { ui_locales_supported: ['en', 'ja'] },
    pkce: { required: () => true },
    cookies: {
      keys: [secrets.deriveKey('openid cookies').toString('base64url')],
      names: {
        session: sessionCookie,
        interaction: '__Secure-culvert-interaction',
        resume: '__Secure-culvert-resume',
      },
      long: cookieOptions,
      short: cookieOptions,
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      resourceIndicators: { enabled: false },
      userinfo: { enabled: true },
      revocation: {
        enabled: true,
        // RFC 7009 §2.1: a client gives back only what it got itself.
        allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId,
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: pages.askToSignOut,
        postLogoutSuccessSource: pages.signedOut,
      },
      deviceFlow: {
        enabled: true,
        deviceInfo: (ctx) => ({
          address: ctx.ip,
          userAgent: ctx.get('user-agent').slice(0, mostUserAgent),
        }),
        userCodeInputSource: pages.askForCode,
        userCodeConfirmSource: pages.confirmDevice,
        successSource: pages.deviceDone,
      },
    },
    routes: {
      authorization: '/authorize',
      jwks: '/keys',
      userinfo: '/userinfo',
      revocation: '/revoke',
      end_session: '/sign-out',
    },
    ttl: {
      AccessToken: (_ctx, _token, client) =>
        client.clientId === adminCentre ? lifetimes.adminCentreToken : lifetimes.toolsToken,
      AuthorizationCode: lifetimes.authorizationCode,
      DeviceCode: lifetimes.deviceCode,
      IdToken: lifetimes.idToken,
      Interaction: lifetimes.interaction,
      Session: (_ctx, session) => sessionLifetime(session.loginTs, seconds()),
      Grant: (ctx, { clientId }) =>
        clientId === adminCentre ? sessionLifetime(ctx.oidc.session?.loginTs, seconds()) : toolsGrant,
      RefreshToken: (ctx) => Math.max(1, (ctx.oidc.entities.Grant?.exp ?? 0) - seconds()),
    },
    // A browser's sign-out ends what the browser got. A tool goes on until its token has ended.
    expiresWithSession: async (_ctx, source) => source.clientId === adminCentre,
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    clientBasedCORS: (_ctx, origin) => origin === publicUrl,
    interactions: { policy: interactionRules(), url: (_ctx, { uid }) => `${mountPath}/interaction/${uid}` },
    loadExistingGrant: (ctx) => loadGrant(context, ctx),
    renderError: pages.error,
    findAccount: async (_ctx, id) => {
      const account = await findAccount(context.database.tables, id);
      if (account === undefined || !account.isEnabled || account.mustChangePassword) return undefined;
      const { userName, displayName } = account;
      return {
        accountId: id,
        claims: async () => ({ sub: id, name: displayName, preferred_username: userName }),
      };
    },
  };
}

/** The library's own clock, which its times of sessions and grants come from. */
function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** Nobody is asked for consent, because every client is our own; a sign-in is asked for when there is none that counts. */
function interactionRules(): interactionPolicy.DefaultPolicy {
  const policy = base();
  policy.remove('consent');
  policy
    .get('login')
    ?.checks.add(
      new Check(
        'account',
        'the account of this session cannot be used any more',
        'login_required',
        ({ oidc }) => oidc.session?.accountId !== undefined && oidc.account === undefined,
      ),
    );
  return policy;
}
