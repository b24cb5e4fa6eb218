import type { EventEmitter } from 'node:events';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { Provider } from 'oidc-provider/lib/provider.js';
import type { Context } from '../context.ts';
import { currentKeys, type KeySet } from './keys.ts';
import { requestIdOf } from './koa-page.ts';
import { mountPath, providerConfiguration } from './provider-configuration.ts';
import { tellFailures, withoutScripts } from './provider-middleware.ts';
import { providerPages } from './provider-pages.ts';

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
  const { configuration, logger } = context;
  const pages = providerPages(context);
  const provider = new Provider(
    `${configuration.publicUrl}${mountPath}`,
    providerConfiguration(context, keySet, pages),
  );
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
