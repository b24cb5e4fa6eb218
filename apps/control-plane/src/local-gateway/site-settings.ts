import { serverConfigurationSchema } from '@culvert/contracts';
import type { Database } from '../database/open.ts';
import { present } from '../graph/conversion.ts';
import type { StoredRow } from '../graph/tables.ts';
import { serverConfigurations } from '../server-configurations/entity.ts';
import type { GatewaySettings } from './gateway-file.ts';

/** What the site says about its gateways now; undefined when the site is gone. */
export async function settingsOfSite(
  { tables }: Pick<Database, 'tables'>,
  siteId: string,
): Promise<GatewaySettings | undefined> {
  const site = await tables
    .selectFrom('sites')
    .select(['public_address', 'server_configuration_id'])
    .where('id', '=', siteId)
    .executeTakeFirst();
  if (site === undefined) return undefined;
  const row = await tables
    .selectFrom('server_configurations')
    .selectAll()
    .where('id', '=', String(site.server_configuration_id))
    .$castTo<StoredRow>()
    .executeTakeFirstOrThrow();
  const known = Object.keys(serverConfigurationSchema.shape);
  const given = Object.entries(present(serverConfigurations.entity, row)).filter(
    ([name, value]) => known.includes(name) && value !== null,
  );
  return {
    publicAddress: String(site.public_address),
    serverConfiguration: serverConfigurationSchema.parse(Object.fromEntries(given)),
  };
}
