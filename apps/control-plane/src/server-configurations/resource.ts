import { networkWarnings, type ServerConfiguration, serverConfigurationSchema } from '@culvert/contracts';
import type { z } from 'zod';
import type { GraphObject } from '../graph/conversion.ts';
import type { Resource } from '../graph/resource.ts';
import { tunnelAccess } from '../graph/scope.ts';
import { ApiError } from '../http/errors.ts';
import { serverConfigurations } from './entity.ts';

/** Names that Graph is giving up, beside those that took their place. */
const formerNames = { routesInclude: 'routeIncludes', routesExclude: 'routeExcludes' } as const;

/** Server configurations: rules of their schema, and none can go while a site uses it. */
export const serverConfigurationResource: Resource = {
  set: serverConfigurations,
  access: tunnelAccess,
  isScoped: true,
  title: 'server configuration',
  schema: serverConfigurationSchema as unknown as z.ZodType<GraphObject>,
  readOnly: ['id', 'lastUpdateDateTime'],
  split: (body) => ({ properties: translateFormerNames(body), references: {} }),
  columns: async ({ context }) => ({
    ok: true,
    value: { last_update_date_time: context.now().toISOString() },
  }),
  derive: () => (shown) => ({
    ...shown,
    routesInclude: shown.routeIncludes,
    routesExclude: shown.routeExcludes,
  }),
  warnings: (written) => {
    const parsed = serverConfigurationSchema.safeParse(withoutForeign(written));
    return parsed.success ? networkWarnings(parsed.data) : [];
  },
  requireUnused: async ({ tables }, { id }) => {
    const users = await tables
      .selectFrom('sites')
      .select(['display_name', 'id'])
      .where('server_configuration_id', '=', id)
      .orderBy('display_name')
      .limit(20)
      .execute();
    if (users.length === 0) return;
    throw new ApiError(
      'Conflict',
      `the configuration is used by ${users.length === 1 ? 'a site' : `${users.length} sites`}: give them another one first`,
      {
        details: users.map(({ display_name, id: site }) => ({
          path: `microsoftTunnelSites/${site}`,
          message: String(display_name),
        })),
      },
    );
  },
};

function translateFormerNames(body: GraphObject): GraphObject {
  const translated: GraphObject = { ...body };
  for (const [former, name] of Object.entries(formerNames)) {
    // A client that sends back what it read has both; the present name wins.
    if (Object.hasOwn(translated, former) && !Object.hasOwn(translated, name))
      translated[name] = translated[former];
    delete translated[former];
  }
  return translated;
}

function withoutForeign(object: GraphObject): Partial<ServerConfiguration> {
  const known = Object.keys(serverConfigurationSchema.shape);
  return Object.fromEntries(
    Object.entries(object).filter(([name, value]) => known.includes(name) && value !== null),
  );
}
