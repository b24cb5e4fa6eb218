import type { EventEmitter } from 'node:events';
import { interactionPolicy, type KoaContextWithOIDC, Provider } from 'oidc-provider';
import { findAccount } from '../accounts/account.ts';
import type { Context } from '../context.ts';
import { artifactAdapter } from './adapter.ts';
import { adminCentre, clientsOf, scopes } from './clients.ts';
import { loadGrant } from './grants.ts';
import { currentKeys, type KeySet } from './keys.ts';
import { requestIdOf } from './koa-page.ts';
import { lifetimes, sessionLifetime, toolsGrant } from './lifetimes.ts';
import { tellFailures, withoutScripts } from './provider-middleware.ts';
import { providerPages } from './provider-pages.ts';

/** Where the provider is mounted, below the public address. */
export const mountPath = '/openid';

/** Hands out the provider of this moment: the library takes its keys once, so other keys make another provider. */
export class ProviderSource {
  readonly #context: Context;
  #built: { version: string; provider: Provider } | undefined;

  constructor(context: Context) {
    this.#context = context;
  }

  async current(): Promise<Provider> {
    const keySet = await currentKeys(this.#context);
    if (this.#built?.version !== keySet.version) {
      this.#built = { version: keySet.version, provider: createProvider(this.#context, keySet) };
    }
    return this.#built.provider;
  }
}

function createProvider(context: Context, keySet: KeySet): Provider {
  const { configuration, secrets, logger } = context;
  const { publicUrl } = configuration;
  const pages = providerPages(context);
  const provider = new Provider(`${publicUrl}${mountPath}`, {
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
        session: '__Host-culvert-session',
        interaction: '__Secure-culvert-interaction',
        resume: '__Secure-culvert-resume',
      },
      long: { httpOnly: true, sameSite: 'lax', secure: true },
      short: { httpOnly: true, sameSite: 'lax', secure: true },
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      resourceIndicators: { enabled: false },
      userinfo: { enabled: true },
      revocation: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: pages.askToSignOut,
        postLogoutSuccessSource: pages.signedOut,
      },
      deviceFlow: {
        enabled: true,
        deviceInfo: (ctx) => ({ address: ctx.ip, userAgent: ctx.get('user-agent') }),
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
  });
  // The mount has already decided what to believe of a proxy, and says so in these headers.
  provider.proxy = true;
  const events: EventEmitter = provider;
  events.on('error', (error: Error) => logger.error({ err: error }, 'the OpenID provider failed'));
  events.on('server_error', (ctx: KoaContextWithOIDC, error: Error) => {
    ctx.state.failure = error;
    logger.error({ err: error, requestId: requestIdOf(ctx) }, 'the OpenID provider failed');
  });
  provider.use(tellFailures(context));
  provider.use(withoutScripts(pages));
  return provider;
}

/** The library's own clock, which its times of sessions and grants come from. */
function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** Nobody is asked for consent, because every client is our own; a sign-in is asked for when there is none that counts. */
function interactionRules(): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base();
  policy.remove('consent');
  policy
    .get('login')
    ?.checks.add(
      new interactionPolicy.Check(
        'account',
        'the account of this session cannot be used any more',
        'login_required',
        ({ oidc }) => oidc.session?.accountId !== undefined && oidc.account === undefined,
      ),
    );
  return policy;
}
