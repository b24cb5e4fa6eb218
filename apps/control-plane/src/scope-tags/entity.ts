import { type EntitySet, graphBase } from '../graph/entity-set.ts';
import type { StoredRow } from '../graph/tables.ts';

export interface ScopeTagTables {
  scope_tags: StoredRow;
  /** One row: the greatest number that a tag has had. */
  scope_tag_numbers: { id: string; last: number };
}

/** `roleScopeTag` (Graph beta). */
export const scopeTags = {
  table: 'scope_tags',
  base: graphBase,
  path: 'roleScopeTags',
  entity: {
    name: 'roleScopeTag',
    fields: {
      id: { type: 'string', column: 'id', isExact: true },
      displayName: { type: 'string', column: 'display_name' },
      description: { type: 'string', column: 'description' },
      isBuiltIn: { type: 'boolean', column: 'is_built_in' },
    },
    navigation: {},
  },
} as const satisfies EntitySet;
