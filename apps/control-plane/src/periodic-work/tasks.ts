import { purgeThrottle } from '../accounts/throttle.ts';
import { purgeEndedCertificates } from '../agent-authority/ended.ts';
import { removeOldAuditEntries } from '../audit/retention.ts';
import { endCommands } from '../commands/ended.ts';
import type { Context } from '../context.ts';
import { closeOldAverages, removeOldAverages } from '../health-history/expiry.ts';
import { rollUpDue } from '../health-history/roll-up.ts';
import { collectChanges } from '../health-notifications/collect.ts';
import { deliverDue } from '../health-notifications/deliver.ts';
import { healthEvaluation } from '../health-status/keep.ts';
import { purgeEndedJoinTokens } from '../join-tokens/ended.ts';
import { removeEndedLogCollections } from '../log-collections/expiry.ts';
import { removeOldRecentLogs } from '../log-collections/recent-logs.ts';
import { settleCollections } from '../log-collections/settle.ts';
import { purgeExpiredArtifacts } from '../openid/purge.ts';
import { purgeEndedTokens } from '../tokens/ended.ts';
import { advanceEverySite } from '../upgrades/work.ts';
import type { PeriodicTask } from './runner.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** Everything that is done periodically, by one replica. */
export function periodicTasks(context: Context): PeriodicTask[] {
  const { database, now } = context;
  return [
    { name: 'audit-retention', interval: hour, run: () => removeOldAuditEntries(context) },
    { name: 'log-collections', interval: hour, run: () => removeEndedLogCollections(context) },
    // The logs of a server are wanted soon after their verbose time is over.
    { name: 'log-orders', interval: minute / 6, run: () => settleCollections(context) },
    { name: 'recent-logs', interval: hour, run: () => removeOldRecentLogs(context) },
    {
      // Strangers make a row with each sign-in that they begin.
      name: 'openid-artifacts',
      interval: 10 * minute,
      run: () => purgeExpiredArtifacts(database.tables, now()),
    },
    {
      name: 'sign-in-throttle',
      interval: hour,
      run: () => purgeThrottle(database.tables, now()),
    },
    // With the pause of the runner each server is judged about every 60 seconds, as in the original.
    { name: 'health-evaluation', interval: 30_000, run: healthEvaluation(context) },
    { name: 'health-messages', interval: 10_000, run: () => collectChanges(context) },
    { name: 'health-deliveries', interval: 10_000, run: (signal) => deliverDue(context, signal) },
    { name: 'health-averages', interval: minute, run: () => rollUpDue(context) },
    { name: 'health-minutes', interval: 10 * minute, run: () => closeOldAverages(context) },
    { name: 'health-retention', interval: 6 * hour, run: (signal) => removeOldAverages(context, signal) },
    // At each look for work; a check-in of a server that is being upgraded does the same.
    { name: 'upgrades', interval: 5 * second, run: (signal) => advanceEverySite(context, signal) },
    { name: 'api-tokens', interval: hour, run: () => purgeEndedTokens(database.tables, now()) },
    { name: 'join-tokens', interval: hour, run: () => purgeEndedJoinTokens(database.tables, now()) },
    { name: 'agent-certificates', interval: hour, run: () => purgeEndedCertificates(database.tables, now()) },
    { name: 'server-commands', interval: minute, run: () => endCommands(database.tables, now()) },
  ];
}
