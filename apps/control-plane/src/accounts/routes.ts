import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { objectUrl } from '../graph/read.ts';
import { idParameter, registerResource } from '../graph/routes.ts';
import { objectSchema } from '../graph/schemas.ts';
import { secret } from '../http/secret-text.ts';
import { createAccount, newAccountSchema } from './create.ts';
import { accounts } from './entity.ts';
import { resetPassword, resetSecondFactor } from './reset.ts';
import { accountResource } from './resource.ts';

const resetBody = z.strictObject({ password: secret(z.string()).optional() }).nullish();
/** There when it was generated; it is shown this once. */
const shownPassword = { password: z.string().optional() };

/** Accounts: listed, made, changed and deleted by administrators. */
export function registerAccounts(application: FastifyInstance, context: Context): void {
  registerResource(application, context, accountResource, { hasOwnCreate: true });
  const url = `${accounts.base}/${accounts.path}`;
  const tags = [accounts.path];
  const { create, update } = accountResource.access;

  application.post<{ Body: z.output<typeof newAccountSchema> }>(
    url,
    {
      config: { access: create },
      schema: {
        summary: 'Create a local account; a password that is not given is generated and shown this once',
        tags,
        body: newAccountSchema,
        response: { 201: objectSchema(accounts.entity).extend(shownPassword) },
      },
    },
    async (request, reply) => {
      const made = await createAccount(context, request, request.body);
      return reply
        .status(201)
        .header('location', objectUrl(context, accounts, String(made.id)))
        .send(made);
    },
  );
  application.post<{ Params: { id: string }; Body: z.output<typeof resetBody> }>(
    `${url}/:id/resetPassword`,
    {
      config: { access: update },
      schema: {
        summary: 'Give an account a new password that must be changed, and end its sessions',
        tags,
        params: idParameter,
        body: resetBody,
        response: { 200: z.object(shownPassword) },
      },
    },
    async (request) => ({ password: await resetPassword(context, request, request.body?.password) }),
  );
  application.post<{ Params: { id: string } }>(
    `${url}/:id/resetSecondFactor`,
    {
      config: { access: update },
      schema: {
        summary: 'Take away the second factor of an account, and end its sessions',
        tags,
        params: idParameter,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await resetSecondFactor(context, request);
      return reply.status(204).send(null);
    },
  );
}
