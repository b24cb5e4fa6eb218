import type { Migration } from 'kysely/migration';
import type { DatabaseEngine } from '../open.ts';
import { auditLog } from './0001-audit-log.ts';
import { tunnelObjects } from './0002-tunnel-objects.ts';
import { rolesAndTokens } from './0003-roles-and-tokens.ts';
import { accounts } from './0004-accounts.ts';
import { openId } from './0005-openid.ts';
import { settingsAndLeases } from './0006-settings-and-leases.ts';
import { listIndices } from './0007-list-indices.ts';
import { scopeTags } from './0008-scope-tags.ts';
import { fleet } from './0009-fleet.ts';
import { health } from './0010-health.ts';
import { upgrades } from './0011-upgrades.ts';
import { logs } from './0012-logs.ts';

/** Every migration in its order; a released one never changes. */
export function migrations(engine: DatabaseEngine): Record<string, Migration> {
  return {
    '0001-audit-log': auditLog(engine),
    '0002-tunnel-objects': tunnelObjects(engine),
    '0003-roles-and-tokens': rolesAndTokens(engine),
    '0004-accounts': accounts(engine),
    '0005-openid': openId(engine),
    '0006-settings-and-leases': settingsAndLeases(engine),
    '0007-list-indices': listIndices(),
    '0008-scope-tags': scopeTags(engine),
    '0009-fleet': fleet(engine),
    '0010-health': health(engine),
    '0011-upgrades': upgrades(engine),
    '0012-logs': logs(engine),
  };
}
