import type { KoaContextWithOIDC } from 'oidc-provider';
import { chooseLanguage } from './pages/language.ts';
import { type Messages, messagesOf } from './pages/messages.ts';
import type { Page } from './pages/page.ts';

/** The texts in the language of a request that the library answers. */
export function messagesFor(ctx: KoaContextWithOIDC): Messages {
  const locales = ctx.oidc.params?.ui_locales;
  return messagesOf[
    chooseLanguage(typeof locales === 'string' ? locales : undefined, ctx.get('accept-language'))
  ];
}

/** Answers with a page of ours. */
export function answerWithPage(ctx: KoaContextWithOIDC, { status, body, headers }: Page): void {
  ctx.status = status;
  ctx.set({ ...headers });
  ctx.body = body;
}

/** The number of the request, as the log has it. */
export function requestIdOf(ctx: KoaContextWithOIDC): string {
  return String(ctx.res.getHeader('request-id') ?? '');
}
