import { once } from 'node:events';

/**
 * Resolves at the first signal to stop, or when the process that started this one with a channel is gone. A second signal, as
 * Ctrl-C below npm sends, changes nothing.
 */
export async function untilStopped(): Promise<void> {
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT'), once(process, 'disconnect')]);
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => {});
}
