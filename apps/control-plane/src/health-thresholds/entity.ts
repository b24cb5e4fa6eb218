import { type EntitySet, graphBase } from '../graph/entity-set.ts';
import type { StoredRow } from '../graph/tables.ts';

export interface HealthThresholdTables {
  health_thresholds: StoredRow;
}

/** `microsoftTunnelHealthThreshold` (Graph beta); its defaults come from code. */
export const healthThresholds = {
  table: 'health_thresholds',
  base: graphBase,
  path: 'microsoftTunnelHealthThresholds',
  entity: {
    name: 'microsoftTunnelHealthThreshold',
    fields: {
      id: { type: 'string', column: 'id', isExact: true },
      healthyThreshold: { type: 'int64', column: 'healthy_threshold' },
      unhealthyThreshold: { type: 'int64', column: 'unhealthy_threshold' },
    },
    navigation: {},
  },
} as const satisfies EntitySet;
