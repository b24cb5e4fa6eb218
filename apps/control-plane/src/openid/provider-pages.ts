import type { errors, KoaContextWithOIDC } from 'oidc-provider';
import { findAccount } from '../accounts/account.ts';
import { recordAudit } from '../audit/record.ts';
import type { Context } from '../context.ts';
import { databaseFailure } from '../database/failure.ts';
import { tools } from './clients.ts';
import { answerWithPage, messagesFor, requestIdOf } from './koa-page.ts';
import { deviceCodePage, deviceConfirmPage } from './pages/device.ts';
import type { Messages } from './pages/messages.ts';
import { errorPage, noticePage, signOutPage } from './pages/notices.ts';
import { saveNewSession } from './session-cookie.ts';

/** Seconds after which a request may be sent again that the database could not answer. */
export const retryAfter = 5;

/** As people know a client. */
export function clientName(messages: Messages, clientId: unknown): string {
  return clientId === tools ? messages.tools : messages.adminCentre;
}

export type ProviderPages = ReturnType<typeof providerPages>;

/** The pages that the library asks for. */
export function providerPages({ configuration, database, now }: Context) {
  return {
    /** Asks for the code of a device; `failure` tells what was wrong with the one before. */
    async askForCode(ctx: KoaContextWithOIDC, _form: string, _out?: unknown, failure?: Error): Promise<void> {
      const messages = messagesFor(ctx);
      if (failure?.name === 'AbortedError') return refused(ctx, messages);
      if (failure !== undefined) await saveNewSession(ctx);
      const wrong = failure === undefined ? undefined : codeProblem(messages, failure);
      const typed = codeOf(failure) ?? ctx.state.typedCode ?? '';
      const form = {
        action: ctx.oidc.urlFor('code_verification'),
        xsrf: xsrfOf(ctx),
        userCode: String(typed),
      };
      answerWithPage(
        ctx,
        deviceCodePage(messages, { ...form, wrong }, wrong === undefined ? {} : { status: 400 }),
      );
    },

    async confirmDevice(
      ctx: KoaContextWithOIDC,
      _form: string,
      client: { clientId: string },
      device: Record<string, unknown>,
      userCode: string,
    ): Promise<void> {
      const messages = messagesFor(ctx);
      const accountId = ctx.oidc.session?.accountId;
      const account = accountId === undefined ? undefined : await findAccount(database.tables, accountId);
      const form = { action: ctx.oidc.urlFor('code_verification'), xsrf: xsrfOf(ctx), userCode };
      const asking = {
        clientName: clientName(messages, client.clientId),
        address: String(device.address ?? ''),
        userAgent: String(device.userAgent ?? ''),
        userName: account?.userName,
      };
      answerWithPage(ctx, deviceConfirmPage(messages, form, asking));
    },

    async deviceDone(ctx: KoaContextWithOIDC): Promise<void> {
      const messages = messagesFor(ctx);
      answerWithPage(ctx, noticePage(messages, messages.deviceDone, messages.deviceDoneHint));
    },

    async askToSignOut(ctx: KoaContextWithOIDC): Promise<void> {
      const messages = messagesFor(ctx);
      const form = { action: ctx.oidc.urlFor('end_session_confirm'), xsrf: xsrfOf(ctx) };
      const question = ctx.oidc.route.endsWith('resume') ? messages.otherAccount : messages.signOutQuestion;
      answerWithPage(ctx, signOutPage(messages, { ...form, question }));
    },

    async signedOut(ctx: KoaContextWithOIDC): Promise<void> {
      const messages = messagesFor(ctx);
      answerWithPage(ctx, noticePage(messages, messages.signedOut, messages.signedOutHint));
    },

    async error(
      ctx: KoaContextWithOIDC,
      { error, error_description: description }: { error: string; error_description?: string | undefined },
      cause: Error | errors.OIDCProviderError,
    ): Promise<void> {
      const messages = messagesFor(ctx);
      const isUnavailable = databaseFailure(cause) !== undefined;
      const isOurs = ctx.status >= 500;
      const problem = {
        text: isUnavailable ? messages.unavailable : textOf(messages, cause, isOurs),
        technical: isOurs ? undefined : `${error}: ${description ?? ''}`,
        requestId: requestIdOf(ctx),
        startUrl: `${configuration.publicUrl}/`,
      };
      const options = isUnavailable ? { status: 503, retryAfter } : { status: ctx.status };
      answerWithPage(ctx, errorPage(messages, problem, options));
    },
  };

  async function refused(ctx: KoaContextWithOIDC, messages: Messages): Promise<void> {
    const accountId = ctx.oidc.session?.accountId;
    const account = accountId === undefined ? undefined : await findAccount(database.tables, accountId);
    // Strangers can ask for codes and refuse them as often as they like.
    if (account !== undefined) {
      const from = { address: ctx.ip, requestId: requestIdOf(ctx) };
      const actor = { kind: 'user', id: account.id, name: account.userName, ...from } as const;
      await recordAudit(database.tables, { actor, action: 'device.refuse', outcome: 'success' }, now());
    }
    answerWithPage(ctx, noticePage(messages, messages.deviceRefused, messages.deviceRefusedHint));
  }
}

function xsrfOf(ctx: KoaContextWithOIDC): string {
  const { state } = ctx.oidc.session as { state?: { secret?: unknown } };
  return typeof state?.secret === 'string' ? state.secret : '';
}

/** The code that was typed, so that people need not type all of it again. */
function codeOf(failure: Error | undefined): string | undefined {
  const { userCode } = (failure ?? {}) as { userCode?: unknown };
  return typeof userCode === 'string' ? userCode : undefined;
}

function codeProblem(messages: Messages, { name }: Error): string {
  switch (name) {
    case 'NoCodeError':
      return messages.deviceCodeMissing;
    case 'NotFoundError':
      return messages.deviceCodeUnknown;
    case 'ExpiredError':
      return messages.deviceCodeEnded;
    case 'AlreadyUsedError':
      return messages.deviceCodeUsed;
    default:
      return messages.deviceFormEnded;
  }
}

function textOf(messages: Messages, { name }: Error, isOurs: boolean): string {
  if (isOurs) return messages.serverError;
  return name === 'SessionNotFound' ? messages.interactionEnded : messages.requestRefused;
}
