import { removeOldAuditEntries } from '../audit/retention.ts';
import type { Context } from '../context.ts';
import type { PeriodicTask } from './runner.ts';

const hour = 3_600_000;

/** Everything that is done periodically, by one replica. */
export function periodicTasks(context: Context): PeriodicTask[] {
  return [{ name: 'audit-retention', interval: hour, run: () => removeOldAuditEntries(context) }];
}
