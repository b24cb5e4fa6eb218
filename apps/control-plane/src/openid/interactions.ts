import fastifyCookie from '@fastify/cookie';
import fastifyFormbody from '@fastify/formbody';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { openInteraction } from './interaction.ts';
import { answerFailure, sendPage } from './interaction-answers.ts';
import type { ProviderSource } from './provider.ts';
import { mountPath } from './provider-configuration.ts';
import { firstPage, type StepForm, takeStep } from './sign-in-steps.ts';
import { registerUpstream } from './upstream.ts';

/** A field that people fill in. PostgreSQL cannot compare with a NUL, and no keyboard types one. */
const typed = z
  .string()
  .max(10_000)
  .transform((text) => text.replaceAll('\0', ''));

/** What the forms of the steps send. */
const form = z.discriminatedUnion('step', [
  z.object({ step: z.literal('password'), state: z.string(), userName: typed, password: z.string() }),
  z.object({ step: z.literal('code'), state: z.string(), code: typed }),
  z.object({
    step: z.literal('newPassword'),
    state: z.string(),
    password: z.string(),
    repeated: z.string(),
  }),
]) satisfies z.ZodType<StepForm>;

const parameters = z.object({ uid: z.string().max(100) });

type Opening = FastifyRequest<{ Params: { uid: string } }>;

/** The steps of a sign-in: pages and what their forms send. */
export async function registerInteractions(
  application: FastifyInstance,
  context: Context,
  source: ProviderSource,
): Promise<void> {
  await application.register(async (scope) => {
    await scope.register(fastifyFormbody);
    await scope.register(fastifyCookie);
    scope.setErrorHandler((error: Error, request, reply) => answerFailure(context, error, request, reply));
    const url = `${mountPath}/interaction/:uid`;
    const open = (request: Opening, reply: FastifyReply) =>
      openInteraction(source, request, reply, request.params.uid);
    scope.get<{ Params: { uid: string } }>(
      url,
      { schema: { params: parameters } },
      async (request, reply) => {
        const interaction = await open(request, reply);
        return sendPage(reply, await firstPage(context, interaction));
      },
    );
    scope.post<{ Params: { uid: string }; Body: StepForm }>(
      url,
      { schema: { params: parameters, body: form } },
      async (request, reply) => {
        const interaction = await open(request, reply);
        const from = { address: request.ip, requestId: request.id };
        const outcome = await takeStep(context, interaction, request.body, from);
        if (outcome.kind === 'page') return sendPage(reply, outcome.page);
        return reply.redirect(await interaction.finish(outcome.login), 303);
      },
    );
    registerUpstream(scope, context, source);
  });
}
