import { type EntitySet, ownBase } from '../graph/entity-set.ts';
import type { StoredRow } from '../graph/tables.ts';

export interface ReleaseTables {
  releases: StoredRow;
}

/** A version that servers can be upgraded to. */
export const releases = {
  table: 'releases',
  base: ownBase,
  path: 'releases',
  entity: {
    name: 'release',
    fields: {
      id: { type: 'string', column: 'id', isExact: true },
      version: { type: 'string', column: 'release_version', isExact: true },
      publishedDateTime: { type: 'dateTimeOffset', column: 'published_date_time' },
      notes: { type: 'string', column: 'notes' },
      agentImageDigest: { type: 'string', column: 'agent_image_digest', isNullable: true },
      serverImageDigest: { type: 'string', column: 'server_image_digest', isNullable: true },
    },
    navigation: {},
  },
} as const satisfies EntitySet;
