import { type EntitySet, ownBase } from '../graph/entity-set.ts';
import { rollOutStates } from './roll-out.ts';

/** A roll-out of a release over the servers of a site. */
export const upgrades = {
  table: 'upgrades',
  base: ownBase,
  path: 'upgrades',
  entity: {
    name: 'upgrade',
    fields: {
      id: { type: 'string', column: 'id', isExact: true },
      siteId: { type: 'string', column: 'site_id', isExact: true },
      targetVersion: { type: 'string', column: 'target_version', isNullable: true, isExact: true },
      state: { type: 'enum', column: 'state', members: rollOutStates },
      isAutomatic: { type: 'boolean', column: 'is_automatic' },
      requestedBy: { type: 'string', column: 'requested_by', isNullable: true },
      createdDateTime: { type: 'dateTimeOffset', column: 'created_date_time' },
      startedDateTime: { type: 'dateTimeOffset', column: 'started_date_time', isNullable: true },
      finishedDateTime: { type: 'dateTimeOffset', column: 'finished_date_time', isNullable: true },
      reason: { type: 'string', column: 'reason', isNullable: true },
    },
    navigation: {},
  },
} as const satisfies EntitySet;
