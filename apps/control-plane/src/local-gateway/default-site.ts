import { readFile, rename, writeFile } from 'node:fs/promises';
import { explainPublicAddress, serverConfigurationSchema, siteShape } from '@culvert/contracts';
import type { Kysely } from 'kysely';
import { z } from 'zod';
import { type Actor, recordAudit } from '../audit/record.ts';
import type { Context } from '../context.ts';
import { newId } from '../database/identifier.ts';
import type { Tables } from '../database/tables.ts';
import { columnsOf, type GraphObject, present } from '../graph/conversion.ts';
import type { EntityType } from '../odata/entity-type.ts';
import { serverConfigurations } from '../server-configurations/entity.ts';
import { sites } from '../sites/entity.ts';
import type { GatewaySettings } from './gateway-file.ts';

/** Name of the site of the gateway that `npm start` runs, and of its configuration. */
export const defaultName = 'Default';

const actor: Actor = { kind: 'system', name: 'first start' };

/** The gateway has the address that it has; whether devices can reach it is told, and decided by the administrator. */
const defaultSite = z.object({ ...siteShape, publicAddress: z.string() });

type Stored = Pick<Context, 'database' | 'logger' | 'now'>;

/**
 * The identifier of the site to which the gateway on this host belongs. `membershipFile` keeps it; at the first start the
 * site is made from the gateway's own settings.
 */
export async function ensureDefaultSite(
  context: Stored,
  membershipFile: string,
  settings: GatewaySettings,
): Promise<string> {
  const known = await readMembership(membershipFile);
  if (known !== undefined) return known;
  const site = await makeDefaultSite(context, settings);
  const doubt = explainPublicAddress(settings.publicAddress);
  if (doubt !== undefined) context.logger.warn({ site: defaultName, field: 'publicAddress' }, doubt);
  await writeFile(`${membershipFile}.new`, `${JSON.stringify({ siteId: site })}\n`, {
    mode: 0o600,
    flush: true,
  });
  await rename(`${membershipFile}.new`, membershipFile);
  return site;
}

async function readMembership(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  });
  if (text === undefined) return undefined;
  const { siteId } = JSON.parse(text) as { siteId?: unknown };
  if (typeof siteId !== 'string') throw new Error(`${file} names no site; delete it to make a new one`);
  return siteId;
}

function makeDefaultSite({ database, now }: Stored, settings: GatewaySettings): Promise<string> {
  return database.tables.transaction().execute(async (tables) => {
    // A start that was cut off before it wrote the membership has left one.
    const left = await tables
      .selectFrom('sites')
      .select('id')
      .where('display_name', '=', defaultName)
      .executeTakeFirst();
    if (left !== undefined) return left.id;
    const at = now();
    const configuration = newId(at);
    await insert(tables, at, 'server_configurations', serverConfigurations.entity, {
      id: configuration,
      ...serverConfigurationSchema.parse({ ...settings.serverConfiguration, displayName: defaultName }),
      lastUpdateDateTime: at.toISOString(),
    });
    const id = newId(at);
    const site = defaultSite.parse({
      displayName: defaultName,
      description: 'The gateway of this host',
      publicAddress: settings.publicAddress,
    });
    await insert(
      tables,
      at,
      'sites',
      sites.entity,
      { id, ...site, upgradeAvailable: false },
      {
        server_configuration_id: configuration,
      },
    );
    return id;
  });
}

async function insert(
  tables: Kysely<Tables>,
  at: Date,
  table: 'server_configurations' | 'sites',
  entity: EntityType,
  object: GraphObject & { id: string },
  references: Record<string, string> = {},
): Promise<void> {
  const row = { id: object.id, version: 1, ...columnsOf(entity, object), ...references };
  await tables.insertInto(table).values(row).execute();
  await recordAudit(
    tables,
    {
      actor,
      action: `${entity.name}.create`,
      object: { kind: entity.name, id: row.id, name: defaultName, roleScopeTagIds: ['0'] },
      outcome: 'success',
      after: present(entity, row),
    },
    at,
  );
}
