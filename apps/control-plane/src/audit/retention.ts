import type { Context } from '../context.ts';
import { readSettings } from '../settings/store.ts';
import { recordAudit } from './record.ts';

const day = 86_400_000;

/** Entries that one transaction deletes: requests wait for it on a database with one connection. */
const batch = 5_000;

/**
 * Deletes the oldest entries beyond the retention and writes an entry that says how many, in one transaction. True when there may be
 * more. This is the only place that deletes entries.
 */
export async function removeOldAuditEntries(
  { database, now }: Pick<Context, 'database' | 'now'>,
  most = batch,
): Promise<boolean> {
  return database.tables.transaction().execute(async (tables) => {
    const { settings } = await readSettings(tables);
    const until = new Date(now().getTime() - settings.auditRetentionDays * day).toISOString();
    const { numDeletedRows } = await tables
      .deleteFrom('audit_entries')
      .where('id', 'in', (query) =>
        query
          .selectFrom('audit_entries')
          .select('id')
          .where('at', '<', until)
          .orderBy('at')
          .orderBy('id')
          .limit(most),
      )
      .executeTakeFirstOrThrow();
    const deleted = Number(numDeletedRows);
    if (deleted === 0) return false;
    await recordAudit(
      tables,
      {
        actor: { kind: 'system', name: 'audit retention' },
        action: 'auditEntries.expire',
        outcome: 'success',
        after: { deleted, before: until },
        detail: `deleted ${deleted} entries from before ${until} (auditRetentionDays is ${settings.auditRetentionDays})`,
      },
      now(),
    );
    return deleted === most;
  });
}
