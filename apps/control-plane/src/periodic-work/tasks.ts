import { purgeThrottle } from '../accounts/throttle.ts';
import { removeOldAuditEntries } from '../audit/retention.ts';
import type { Context } from '../context.ts';
import { purgeExpiredArtifacts } from '../openid/purge.ts';
import { purgeEndedTokens } from '../tokens/ended.ts';
import type { PeriodicTask } from './runner.ts';

const hour = 3_600_000;

/** Everything that is done periodically, by one replica. */
export function periodicTasks(context: Context): PeriodicTask[] {
  const { database, now } = context;
  return [
    { name: 'audit-retention', interval: hour, run: () => removeOldAuditEntries(context) },
    {
      name: 'openid-artifacts',
      interval: hour,
      run: () => purgeExpiredArtifacts(database.tables, now()),
    },
    {
      name: 'sign-in-throttle',
      interval: hour,
      run: () => purgeThrottle(database.tables, now()),
    },
    { name: 'api-tokens', interval: hour, run: () => purgeEndedTokens(database.tables, now()) },
  ];
}
