import { databaseFailure } from './failure.ts';

/** Milliseconds between two writes of a time of last use: a script may send a thousand requests a second. */
const precision = 60_000;

/** Writes down that something was used, now and then. A database that takes no changes does not stop those who read. */
export async function noteLastUse(
  last: string | null,
  now: Date,
  write: () => Promise<unknown>,
): Promise<void> {
  if (last !== null && now.getTime() - Date.parse(last) <= precision) return;
  try {
    await write();
  } catch (error) {
    const kind = databaseFailure(error)?.kind;
    if (kind !== 'full' && kind !== 'readOnly' && kind !== 'contended') throw error;
  }
}
