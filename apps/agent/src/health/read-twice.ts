import { setTimeout as sleep } from 'node:timers/promises';
import { seconds } from './probe.ts';

/** The first value needs two readings; it does not wait for the next period. */
const firstGap = 1 * seconds;

/** Takes a reading; the first time two, a second apart, so that there is something between them. */
export async function readTwiceAtFirst(
  hasEarlier: boolean,
  signal: AbortSignal,
  read: () => Promise<void>,
): Promise<void> {
  await read();
  if (hasEarlier) return;
  await sleep(firstGap, undefined, { signal });
  await read();
}
