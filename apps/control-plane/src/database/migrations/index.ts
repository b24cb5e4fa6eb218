import type { Migration } from 'kysely/migration';
import type { DatabaseEngine } from '../open.ts';
import { auditLog } from './0001-audit-log.ts';
import { tunnelObjects } from './0002-tunnel-objects.ts';

/** Every migration in its order; a released one never changes. */
export function migrations(engine: DatabaseEngine): Record<string, Migration> {
  return {
    '0001-audit-log': auditLog(engine),
    '0002-tunnel-objects': tunnelObjects(engine),
  };
}
