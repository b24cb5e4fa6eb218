import { setTimeout as sleep } from 'node:timers/promises';
import { readIfThere } from '../files/durable-file.ts';

/** Milliseconds between two looks: a file system that tells of changes is not to be had everywhere. */
const interval = 1_000;

/**
 * Resolves to a token that stands in the file, as soon as there is one that is not `tried`; undefined when the signal
 * comes. A file that is being written is read again.
 */
export async function waitForToken(
  file: string,
  tried: string | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  let before: string | undefined;
  while (!signal.aborted) {
    const text = (await readIfThere(file))?.trim();
    if (text !== undefined && text !== '' && text !== tried && text === before) return text;
    before = text;
    await sleep(before === undefined || before === tried ? interval : interval / 4, undefined, {
      signal,
    }).catch(() => {});
  }
  return undefined;
}
