import { networkWarnings, type ServerConfiguration, serverConfigurationSchema } from '@culvert/contracts';
import type { z } from 'zod';
import type { GraphObject } from '../graph/conversion.ts';
import type { Resource } from '../graph/resource.ts';
import { inScope, readPermission, tunnelAccess } from '../graph/scope.ts';
import { ApiError } from '../http/errors.ts';
import { serverConfigurations } from './entity.ts';

/** Names that Graph is giving up, beside those that took their place. */
export const formerNames = { routesInclude: 'routeIncludes', routesExclude: 'routeExcludes' } as const;

/** Sites that the refusal to delete a configuration names. */
const mostNamed = 20;

/** Server configurations: rules of their schema, and none can go while a site uses it. */
export const serverConfigurationResource: Resource = {
  set: serverConfigurations,
  access: tunnelAccess,
  isScoped: true,
  title: 'server configuration',
  schema: serverConfigurationSchema as unknown as z.ZodType<GraphObject>,
  readOnly: ['id', 'lastUpdateDateTime'],
  documentation: {
    example: {
      displayName: 'Headquarters',
      network: '10.70.0.0/16',
      dnsServers: ['10.60.0.53'],
      defaultDomainSuffix: 'corp.example.com',
      routeIncludes: ['10.60.0.0/16'],
    },
    further: Object.fromEntries(
      Object.entries(formerNames).map(([former, name]) => [
        former,
        { deprecated: true, description: `The former name of ${name}` },
      ]),
    ),
  },
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
  requireUnused: async ({ context, tables, caller }, { id }) => {
    const users = tables.selectFrom('sites').where('server_configuration_id', '=', id);
    const { count } = await users
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    if (count === 0) return;
    // Sites that the caller may not know of are counted and not named.
    const named = await users
      .select(['display_name', 'id'])
      .where(inScope(context.database.engine, caller, readPermission))
      .orderBy('display_name')
      .limit(mostNamed)
      .execute();
    throw new ApiError(
      'Conflict',
      `the configuration is used by ${count === 1 ? 'a site' : `${count} sites`}: give them another one first`,
      {
        details: named.map(({ display_name, id: site }) => ({
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
