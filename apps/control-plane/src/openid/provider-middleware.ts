import type { KoaContextWithOIDC } from 'oidc-provider';
import { InvalidRequest } from 'oidc-provider/lib/helpers/errors.js';
import type { Context } from '../context.ts';
import { databaseFailure } from '../database/failure.ts';
import { ApiError, errorBody } from '../http/errors.ts';
import { requestIdOf } from './koa-page.ts';
import { type ProviderPages, retryAfter } from './provider-pages.ts';

type Middleware = (ctx: KoaContextWithOIDC, next: () => Promise<void>) => Promise<void>;

/** Begins the page of the library whose form a script submits; no text of a person can look like it. */
const scriptedPage = '<title>Submitting Callback</title>';

/** The library submits forms with a script in three places; a page of ours with a button takes their place. */
export function withoutScripts(pages: Pick<ProviderPages, 'askToSignOut' | 'error'>): Middleware {
  return async (ctx, next) => {
    if (ctx.method === 'GET' && ctx.path === '/device' && typeof ctx.query.user_code === 'string') {
      ctx.state.typedCode = ctx.query.user_code.slice(0, 50);
      ctx.query = {};
    }
    await next();
    if (typeof ctx.body !== 'string' || !ctx.body.includes(scriptedPage)) return;
    if (ctx.oidc.params?.response_mode === undefined) return pages.askToSignOut(ctx);
    const refusal = new InvalidRequest('response_mode must be query');
    ctx.status = refusal.statusCode;
    await pages.error(ctx, refusal, refusal);
  };
}

/** Programs are told when it is only the database that does not answer, so that they try again; and what there is not. */
export function tellFailures({ now }: Pick<Context, 'now'>): Middleware {
  return async (ctx, next) => {
    await next();
    if (ctx.status === 500 && databaseFailure(ctx.state.failure) !== undefined) {
      ctx.status = 503;
      ctx.set('retry-after', String(retryAfter));
    }
    if (ctx.status === 404 && ctx.body === undefined) {
      const refusal = new ApiError('ResourceNotFound', `there is no ${ctx.method} ${ctx.path}`);
      ctx.body = errorBody(refusal, requestIdOf(ctx), now());
      ctx.status = 404;
    }
  };
}
