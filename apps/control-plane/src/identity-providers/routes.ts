import type { FastifyInstance } from 'fastify';
import type { Context } from '../context.ts';
import { idParameter, registerResource } from '../graph/routes.ts';
import { ApiError } from '../http/errors.ts';
import { checkProvider, checkSchema } from './check.ts';
import { identityProviders } from './entity.ts';
import { findProvider } from './provider.ts';
import { identityProviderResource } from './resource.ts';

/** Identity providers of the organisation, and a try at them. */
export function registerIdentityProviders(application: FastifyInstance, context: Context): void {
  registerResource(application, context, identityProviderResource);
  application.post<{ Params: { id: string } }>(
    `${identityProviders.base}/${identityProviders.path}/:id/test`,
    {
      config: { access: identityProviderResource.access.update },
      schema: {
        summary: 'Ask an identity provider whether it can be used, and say what it answers',
        tags: [identityProviders.path],
        params: idParameter,
        response: { 200: checkSchema },
      },
    },
    async (request) => {
      const { id } = request.params;
      const provider = await findProvider(context.database.tables, context.secrets, id);
      if (provider === undefined)
        throw new ApiError('ResourceNotFound', `there is no identity provider ${id}`);
      return checkProvider(provider);
    },
  );
}
