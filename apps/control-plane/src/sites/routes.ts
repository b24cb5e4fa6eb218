import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { mistakes } from '../graph/body.ts';
import { audit, findForChange, inTransaction } from '../graph/change.ts';
import { graphBase } from '../graph/entity-set.ts';
import { answerItem, findOrRefuse } from '../graph/read.ts';
import { idParameter, registerResource } from '../graph/routes.ts';
import { itemQuery, objectSchema } from '../graph/schemas.ts';
import { inScope, readPermission, updatePermission } from '../graph/scope.ts';
import { EntityStore } from '../graph/store.ts';
import { callerOf } from '../http/access.ts';
import { serverConfigurations } from '../server-configurations/entity.ts';
import { serverConfigurationResource } from '../server-configurations/resource.ts';
import { requestUpgrade } from '../upgrades/request.ts';
import { idOfAddress, resolveReference } from './configuration-reference.ts';
import { sites } from './entity.ts';
import { siteResource } from './resource.ts';

const needsOne = 'a site needs a configuration; PUT gives it another one';

const referenceBody = z.looseObject({
  '@odata.id': z.string().max(2_000).describe('Address of the configuration'),
});

/** Sites, their configuration, and the request to upgrade their servers. */
export function registerSites(application: FastifyInstance, context: Context): void {
  registerResource(application, context, siteResource);
  const url = `${graphBase}/${sites.path}/:id`;
  const tags = [sites.path];
  const { engine, tables } = context.database;

  application.get<{ Params: { id: string } }>(
    `${url}/microsoftTunnelConfiguration`,
    {
      config: { access: readPermission },
      schema: {
        summary: 'Read the configuration of a site',
        tags,
        params: idParameter,
        querystring: itemQuery,
        response: { 200: objectSchema(serverConfigurations.entity) },
      },
    },
    async (request) => {
      const scope = inScope(engine, callerOf(request), readPermission);
      const site = await findOrRefuse(
        new EntityStore(tables, engine, sites),
        request.params.id,
        scope,
        'site',
      );
      const store = new EntityStore(tables, engine, serverConfigurations);
      const { title } = serverConfigurationResource;
      const row = await findOrRefuse(store, String(site.server_configuration_id), scope, title);
      return answerItem(context, request, serverConfigurationResource, row);
    },
  );
  for (const method of ['PUT', 'POST'] as const) {
    application.route<{ Params: { id: string }; Body: z.output<typeof referenceBody> }>({
      method,
      url: `${url}/microsoftTunnelConfiguration/$ref`,
      config: { access: updatePermission, refused: { DELETE: needsOne } },
      schema: {
        summary: 'Give a site another configuration',
        tags,
        params: idParameter,
        body: referenceBody,
        response: { 204: z.null() },
      },
      handler: async (request, reply) => {
        await inTransaction(context, request, async (change) => {
          const { params, headers, body } = request;
          const row = await findForChange(
            change,
            siteResource,
            params.id,
            headers['if-match'],
            updatePermission,
          );
          const resolved = await resolveReference(change, idOfAddress(body['@odata.id']));
          if (!resolved.ok) throw mistakes([{ ...resolved.problem, path: '@odata.id' }]);
          const store = new EntityStore(change.tables, engine, sites);
          const changed = await store.update(row, { server_configuration_id: resolved.id });
          await audit(change, siteResource, 'setConfiguration', changed, {
            before: { microsoftTunnelConfiguration: row.server_configuration_id },
            after: { microsoftTunnelConfiguration: resolved.id },
          });
        });
        return reply.status(204).send(null);
      },
    });
  }
  application.post<{ Params: { id: string } }>(
    `${url}/requestUpgrade`,
    {
      config: { access: updatePermission },
      schema: {
        summary: 'Let the servers of a site be upgraded',
        tags,
        params: idParameter,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await inTransaction(context, request, async (change) => {
        const row = await findForChange(change, siteResource, request.params.id, undefined, updatePermission);
        await requestUpgrade(
          { engine, tables: change.tables },
          { siteId: row.id, isStrict: false, actor: change.caller.actor, now: context.now() },
        );
      });
      return reply.status(204).send(null);
    },
  );
}
