import { type DesiredConfiguration, serverConfigurationSchema } from '@culvert/contracts';
import type { Logger } from 'pino';
import { present } from '../graph/conversion.ts';
import type { StoredRow } from '../graph/tables.ts';
import { serverConfigurations } from '../server-configurations/entity.ts';
import { revisionOf } from './revision.ts';

/** Configurations that are kept as they were worked out last: one for each site of a large fleet. */
const mostKept = 1_000;

interface Kept {
  version: number;
  publicAddress: string;
  desired: DesiredConfiguration | undefined;
}

/** Works out what a site wants of its gateways; again only when it has changed, because every check-in asks. */
export class DesiredConfigurations {
  readonly #logger: Logger;
  readonly #kept = new Map<string, Kept>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** `row` is that of the configuration. Undefined, and in the log, when this release cannot use what is stored. */
  of(siteId: string, publicAddress: string, row: StoredRow): DesiredConfiguration | undefined {
    const key = `${siteId}/${row.id}`;
    const kept = this.#kept.get(key);
    if (kept?.version === row.version && kept.publicAddress === publicAddress) return kept.desired;
    const desired = this.#workOut(publicAddress, row);
    if (this.#kept.size >= mostKept) this.#kept.clear();
    this.#kept.set(key, { version: row.version, publicAddress, desired });
    return desired;
  }

  #workOut(publicAddress: string, row: StoredRow): DesiredConfiguration | undefined {
    const known = Object.keys(serverConfigurationSchema.shape);
    const given = Object.entries(present(serverConfigurations.entity, row)).filter(
      ([name, value]) => known.includes(name) && value !== null,
    );
    const parsed = serverConfigurationSchema.safeParse(Object.fromEntries(given));
    if (!parsed.success) {
      this.#logger.error(
        { configuration: row.id, err: parsed.error },
        'a server configuration in the database is not valid; its servers keep the one that they have',
      );
      return undefined;
    }
    const content = { publicAddress, serverConfiguration: parsed.data };
    return { revision: revisionOf(content), ...content };
  }
}
