import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { SessionNotFound } from 'oidc-provider/lib/helpers/errors.js';
import { z } from 'zod';
import { completeSignIn } from '../accounts/sign-in.ts';
import type { Context } from '../context.ts';
import { DiscoveryCache } from '../identity-providers/discovery-cache.ts';
import type { UpstreamRefusal } from '../identity-providers/refusal.ts';
import { beginUpstream, finishUpstream } from '../identity-providers/upstream-sign-in.ts';
import { type Interaction, openInteraction } from './interaction.ts';
import { sendPage } from './interaction-answers.ts';
import type { ProviderSource } from './provider.ts';
import { mountPath } from './provider-configuration.ts';
import { firstPage } from './sign-in-steps.ts';

/** Where every other service sends the browser back to. */
const callbackPath = `${mountPath}/upstream/callback`;

const cookieName = '__Secure-culvert-upstream';
/** Lax, because the other service sends the browser here; nothing that a page of it loads carries the cookie. */
const cookie = { path: mountPath, secure: true, httpOnly: true, sameSite: 'lax', maxAge: 600 } as const;
const purpose = 'sign-in at another service';

const kept = z.object({ uid: z.string(), sealedState: z.string() });
const path = z.object({ uid: z.string().max(100) });

type Opening = FastifyRequest<{ Params: { uid: string } }>;

/** Sign-in at other services: the way there, and the way back. */
export function registerUpstream(scope: FastifyInstance, context: Context, source: ProviderSource): void {
  const { publicUrl } = context.configuration;
  const cache = new DiscoveryCache(context.now);
  const url = `${mountPath}/interaction/:uid/upstream`;
  const open = (request: Opening, reply: FastifyReply) =>
    openInteraction(source, request, reply, request.params.uid);

  scope.get<{ Params: { uid: string; provider: string } }>(
    `${url}/:provider`,
    { schema: { params: path.extend({ provider: z.string().max(100) }) } },
    async (request, reply) => {
      const interaction = await open(request, reply);
      const begun = await beginUpstream(
        context,
        { id: request.params.provider },
        `${publicUrl}${callbackPath}`,
        cache.discover,
      );
      if (!begun.ok) return refuse(context, interaction, begun.refusal, reply);
      const state = { uid: interaction.uid, sealedState: begun.sealedState };
      reply.setCookie(cookieName, context.secrets.seal(JSON.stringify(state), purpose), cookie);
      return reply.redirect(begun.url.href, 303);
    },
  );

  // The cookie of the interaction is sent below its own path only, so the browser is led there first.
  scope.get(callbackPath, async (request, reply) => {
    const { uid } = keptState(context, request);
    return reply.redirect(`${mountPath}/interaction/${uid}/upstream${queryOf(request)}`, 303);
  });

  scope.get<{ Params: { uid: string } }>(url, { schema: { params: path } }, async (request, reply) => {
    const interaction = await open(request, reply);
    const { uid, sealedState } = keptState(context, request);
    if (uid !== interaction.uid) throw new SessionNotFound('the answer is for another sign-in');
    const from = { address: request.ip, requestId: request.id };
    const answer = new URL(`${publicUrl}${callbackPath}${queryOf(request)}`);
    const finished = await finishUpstream(context, sealedState, answer, from);
    reply.clearCookie(cookieName, cookie);
    if (!finished.ok) return refuse(context, interaction, finished.refusal, reply);
    await completeSignIn(context, finished.account, 'upstream', from);
    return reply.redirect(await interaction.finish({ accountId: finished.account.id, amr: [] }), 303);
  });
}

async function refuse(
  context: Context,
  interaction: Interaction,
  { kind, message }: UpstreamRefusal,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const notice = { text: interaction.messages.upstreamRefusals[kind], technical: message };
  return sendPage(reply, await firstPage(context, interaction, undefined, { status: 400, notice }));
}

function keptState({ secrets }: Context, { cookies }: FastifyRequest): z.output<typeof kept> {
  try {
    return kept.parse(JSON.parse(secrets.open(cookies[cookieName] ?? '', purpose)));
  } catch {
    // It comes from a browser; what does not open was not begun here.
    throw new SessionNotFound('this browser has not begun a sign-in at another service');
  }
}

function queryOf({ url }: FastifyRequest): string {
  const start = url.indexOf('?');
  return start < 0 ? '' : url.slice(start);
}
