import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { SessionNotFound } from 'oidc-provider/lib/helpers/errors.js';
import type { Context } from '../context.ts';
import { asApiError } from '../http/translate-error.ts';
import { chooseLanguage } from './pages/language.ts';
import { messagesOf } from './pages/messages.ts';
import { errorPage } from './pages/notices.ts';
import type { Page } from './pages/page.ts';
import { retryAfter } from './provider-pages.ts';

/** The form was changed, has ended, or belongs to another sign-in. */
export class FormRefused extends Error {}

export function sendPage(reply: FastifyReply, { status, body, headers }: Page): FastifyReply {
  return reply.status(status).headers(headers).send(body);
}

/** Tells people, and the log, what went wrong in a step. */
export function answerFailure(
  { configuration, logger }: Context,
  error: Error,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const messages = messagesOf[chooseLanguage(undefined, request.headers['accept-language'])];
  const shown = { requestId: request.id, startUrl: `${configuration.publicUrl}/` };
  if (error instanceof SessionNotFound) {
    return sendPage(
      reply,
      errorPage(messages, { ...shown, text: messages.interactionEnded }, { status: 400 }),
    );
  }
  if (error instanceof FormRefused) {
    return sendPage(reply, errorPage(messages, { ...shown, text: messages.forbiddenForm }, { status: 400 }));
  }
  const { status, message, headers } = asApiError(error as FastifyError);
  if (status === 429) {
    const wait = { status, retryAfter: Number(headers['retry-after'] ?? retryAfter) };
    return sendPage(reply, errorPage(messages, { ...shown, text: messages.tooManyRequests }, wait));
  }
  if (status < 500) {
    const text = messages.forbiddenForm;
    return sendPage(reply, errorPage(messages, { ...shown, text, technical: message }, { status }));
  }
  logger.error({ err: error, requestId: request.id }, 'a step of a sign-in failed');
  const [text, options] =
    status === 503
      ? ([messages.unavailable, { status, retryAfter }] as const)
      : ([messages.serverError, { status }] as const);
  return sendPage(reply, errorPage(messages, { ...shown, text }, options));
}
