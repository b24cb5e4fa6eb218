import type { FastifyReply, FastifyRequest } from 'fastify';
import { SessionNotFound } from 'oidc-provider/lib/helpers/errors.js';
import { chooseLanguage } from './pages/language.ts';
import { type Messages, messagesOf } from './pages/messages.ts';
import type { ProviderSource } from './provider.ts';
import { mountPath } from './provider-configuration.ts';

/** How somebody signed in. `amr`: authentication method references (RFC 8176). */
export interface Login {
  accountId: string;
  amr: string[];
}

/** A sign-in that is under way in the browser that sends the request. */
export interface Interaction {
  uid: string;
  /** Where the forms of its steps go. */
  action: string;
  clientId: string;
  userNameHint: string;
  messages: Messages;
  /** Hands the result over to the library; resolves to the address at which it goes on. */
  finish(login: Login): Promise<string>;
}

/** The interaction of the browser's cookie. Throws `SessionNotFound` when it has ended or is not the one of the address. */
export async function openInteraction(
  source: ProviderSource,
  request: FastifyRequest,
  reply: FastifyReply,
  uid: string,
): Promise<Interaction> {
  const provider = await source.current();
  const details = await provider.interactionDetails(request.raw, reply.raw);
  if (details.uid !== uid) throw new SessionNotFound('the cookie is of another sign-in');
  const { ui_locales: locales, client_id: clientId, login_hint: hint } = details.params;
  return {
    uid,
    action: `${mountPath}/interaction/${uid}`,
    clientId: String(clientId),
    userNameHint: typeof hint === 'string' ? hint : '',
    messages: messagesOf[chooseLanguage(textOf(locales), request.headers['accept-language'])],
    finish: (login) =>
      provider.interactionResult(
        request.raw,
        reply.raw,
        { login: { ...login } },
        { mergeWithLastSubmission: false },
      ),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
