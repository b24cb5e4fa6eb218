import type { EntityType } from '../odata/entity-type.ts';

/** A kind of object and where it is kept. */
export interface EntitySet {
  entity: EntityType;
  table: 'server_configurations' | 'sites' | 'servers' | 'health_thresholds' | 'server_log_collections';
  /** Path below `/graph/beta/deviceManagement/`. */
  path: string;
}

export const graphBase = '/graph/beta/deviceManagement';
